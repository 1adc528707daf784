package generalise

import (
	"strings"
	"testing"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
)

// Two commands that differ in a name of one family are one; beside each stands
// what an attacker would put into the hole.
func TestFamiliesOfArguments(t *testing.T) {
	tests := map[string]struct {
		path         string
		learned      []string
		want         string
		silent, loud []string
	}{
		"a position": {
			path: "/usr/bin/w", learned: []string{"w|sockpair@3", "w|sockpair@4"}, want: "w|sockpair@⟦#⟧",
			silent: []string{"w|sockpair@17"}, loud: []string{"w|sockpair@a", "w|sockpair@3;id", "w|--exec"},
		},
		"a port": {
			path: "/usr/bin/w", learned: []string{"w|-p8080", "w|-p9090"}, want: "w|-p⟦#⟧",
			silent: []string{"w|-p80"}, loud: []string{"w|-pcode", "w|-e80"},
		},
		"joined numbers": {
			path: "/usr/bin/w", learned: []string{"w|28:29:31", "w|3:4:5"}, want: "w|⟦#⟧:⟦#⟧:⟦#⟧",
			silent: []string{"w|1:22:333"}, loud: []string{"w|1:2", "w|1:2:/etc/shadow"},
		},
		"a size": {
			path: "/usr/bin/w", learned: []string{"w|--max=512M", "w|--max=64M"}, want: "w|--max=⟦#⟧M",
			silent: []string{"w|--max=1M"}, loud: []string{"w|--max=$(id)M", "w|--load=1M"},
		},
		"logrotate's script": {
			path: "/usr/bin/dash", learned: []string{"sh|-c|echo|x|/var/log/app/app.log-20261128-1795863804"}, want: "sh|-c|echo|x|/var/log/app/app.log-⟦#⟧-⟦#⟧",
			silent: []string{"sh|-c|echo|x|/var/log/app/app.log-20261129-1795950204"},
			loud:   []string{"sh|-c|id|x|/var/log/app/app.log-20261129-1795950204", "sh|-c|echo|x|/var/log/app/app.log-x", "sh|-c|echo|x|/etc/shadow"},
		},
		"an environment": {
			path: "/usr/bin/w", learned: []string{"w|ID=3f2a9c1b77aa", "w|ID=9c1b77aa3f2a"}, want: "w|ID=⋯",
			silent: []string{"w|ID=0123456789ab"}, loud: []string{"w|ID=$(id)", "w|ID=a/b", "w|LD_PRELOAD=3f2a9c1b77aa"},
		},
		"options stay": {
			path: "/usr/bin/w", learned: []string{"w|-aBcDeF12", "w|-x9kQ2zQ8"}, want: "w|-aBcDeF12",
			loud: []string{"w|-exec1234", "w|-y9kQ2zQ8"},
		},
		"two options are two things": {
			path: "/usr/bin/w", learned: []string{"w|--fd=3", "w|--exec=4"}, want: "w|--fd=3",
			loud: []string{"w|--load=5", "w|5"},
		},
		"code stays": {
			path: "/usr/bin/python3.11", learned: []string{"python3|-c|x=12345", "python3|-c|x=54321"}, want: "python3|-c|x=12345",
			loud: []string{"python3|-c|x=11111"},
		},
		"scripts stay": {
			path: "/usr/bin/python3.11", learned: []string{"python3|/srv/a1.py", "python3|/srv/a2.py"}, want: "python3|/srv/a1.py",
			loud: []string{"python3|/srv/a3.py"},
		},
		"versions stay": {
			path: "/usr/bin/w", learned: []string{"w|app-1.2.3", "w|app-1.2.4"}, want: "w|app-1.2.3",
			loud: []string{"w|app-1.2.5"},
		},
		"every byte": {
			path: "/usr/bin/w", learned: []string{"w|⋯", "w|caf\xe9"}, want: "w|⟦e28baf⟧",
			loud: []string{"w|x", "w|café"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var commands [][]string
			for _, line := range tt.learned {
				argv, ok := ObservedArgs(tt.path, strings.Split(line, "|"), false)
				if !ok {
					t.Fatalf("%q cannot be learned", line)
				}
				commands = append(commands, argv)
			}
			c := profile.Container{}
			found := false
			for _, argv := range Args(tt.path, commands, DefaultThresholds()) {
				found = found || strings.Join(argv, "|") == tt.want
				c.Execs = append(c.Execs, profile.Exec{Path: tt.path, Args: argv})
			}
			if !found {
				t.Errorf("no %s among %v", tt.want, c.Execs)
			}
			m, err := match.Compile([]profile.Container{c}, match.Options{Arch: "amd64"})
			if err != nil {
				t.Fatal(err)
			}
			exec := func(line string) match.Verdict {
				return m.Exec([]byte(tt.path), []byte(strings.ReplaceAll(line, "|", "\x00")+"\x00"))
			}
			for _, line := range append(tt.silent, tt.learned...) {
				if got := exec(line); got != match.Allowed {
					t.Errorf("%q: %v, want it to be silent", line, got)
				}
			}
			for _, line := range tt.loud {
				if got := exec(line); got == match.Allowed {
					t.Errorf("%q: allowed, want it to be loud", line)
				}
			}
		})
	}
}
