package alert

import (
	"fmt"
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/rule"
)

// Names of one family are one incident, though nobody learned them; what only
// looks as if it could be one is not.
func TestFamiliesAreOneIncident(t *testing.T) {
	tests := map[string]struct {
		paths []string
		made  bool
		want  int // incidents
	}{
		"uploads":                     {[]string{"/var/cache/x/lighttpd-upload-mWKiOA", "/var/cache/x/lighttpd-upload-abcdef", "/var/cache/x/lighttpd-upload-8fJq2L"}, true, 1},
		"a temporary sibling in /etc": {[]string{"/etc/redis.conf.Qw8FO8", "/etc/redis.conf.mWKiOA", "/etc/redis.conf.kJ2k1L"}, true, 1},
		"files of the image in /etc":  {[]string{"/etc/redis.conf.Qw8FO8", "/etc/redis.conf.mWKiOA"}, false, 2},
		"numbers":                     {[]string{"/data/a1/x", "/data/a2/x", "/data/a37/x"}, false, 1},
		"files of another directory":  {[]string{"/data/a1/x", "/data/b1/x"}, false, 2},
		"words":                       {[]string{"/data/report-spring.txt", "/data/report-summer.txt"}, true, 2},
		"secrets":                     {[]string{"/root/.ssh/id_Qw8FO8", "/root/.ssh/id_mWKiOA", "/etc/shadow", "/etc/gshadow"}, true, 4},
		"versions":                    {[]string{"/opt/app-1.2.3/x", "/opt/app-1.2.4/x"}, false, 1}, // as the learner folds them
		"a program beside uploads":    {[]string{"/srv/up/f-mWKiOA.tmp", "/srv/up/f-8fJq2L.tmp", "/srv/up/f-8fJq2L.php"}, true, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBuilder()
			incidents := make(map[string]bool)
			for _, path := range tt.paths {
				e := openOf(path)
				e.Access = event.AccessWrite
				if tt.made {
					e.Flags |= event.FlagCreated
				}
				incidents[b.Build(deviation(e), webapp()).Fingerprint] = true
			}
			if len(incidents) != tt.want {
				t.Errorf("%q are %d incidents, want %d", tt.paths, len(incidents), tt.want)
			}
		})
	}
}

func TestCommandsOfAFamilyAreOneIncident(t *testing.T) {
	tests := map[string]struct {
		program  string
		commands []string
		want     int
	}{
		"numbers":           {"/usr/bin/w", []string{"w\x00--fd=3", "w\x00--fd=4"}, 1},
		"other options":     {"/usr/bin/w", []string{"w\x00--fd=3", "w\x00--exec=4"}, 2},
		"files":             {"/bin/cat", []string{"cat\x00/etc/shadow", "cat\x00/etc/passwd"}, 2},
		"code":              {"/bin/sh", []string{"sh\x00-c\x00true", "sh\x00-c\x00id"}, 2},
		"words of a script": {"/bin/sh", []string{"sh\x00-c\x00curl good", "sh\x00-c\x00curl evil"}, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBuilder()
			incidents := make(map[string]bool)
			for _, command := range tt.commands {
				e := execOf(tt.program, command)
				b.Processes.Add(e)
				d := deviation(e)
				d.Rule = rule.UnexpectedArguments
				incidents[b.Build(d, webapp()).Fingerprint] = true
			}
			if len(incidents) != tt.want {
				t.Errorf("%q are %d incidents, want %d", tt.commands, len(incidents), tt.want)
			}
		})
	}
}

// TestFolderIsBounded: whoever invents names cannot make the agent grow.
func TestFolderIsBounded(t *testing.T) {
	var f folder
	for i := range 3 * maxFolded {
		f.first(fmt.Sprint("scope ", i%1000), fmt.Sprint("name", i), func(string, string) bool { return false })
	}
	kept := 0
	for _, names := range f.seen {
		kept += len(names)
	}
	if kept > maxFolded || f.size > maxFolded {
		t.Errorf("%d names are kept, %d counted, want at most %d", kept, f.size, maxFolded)
	}
}
