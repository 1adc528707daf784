package detector

import (
	"strings"
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/severity"
)

func TestCheckChange(t *testing.T) {
	m, err := match.Compile([]profile.Container{{
		Execs:   []profile.Exec{{Path: "/usr/bin/cat"}, {Path: "/srv/app"}},
		Changes: []profile.Change{{Path: "/data/⋯", Acts: []string{"rename", "unlink", "symlink"}}},
	}}, match.Options{Arch: "amd64", Senses: []profile.Sense{profile.SenseChanges}})
	if err != nil {
		t.Fatal(err)
	}
	const named = event.FlagCallerPath
	tests := map[string]struct {
		act          event.ChangeAct
		path, target string
		flags        event.Flag
		want         string
	}{
		"known":                              {event.ChangeRename, "/data/x", "", named, ""},
		"known link":                         {event.ChangeSymlink, "/data/x", "/data/y", named, ""},
		"known link, to shadow":              {event.ChangeSymlink, "/data/x", "/etc/shadow", named, "BW010 critical"},
		"known link, to a directory of keys": {event.ChangeSymlink, "/data/x", "/root/.ssh", named, "BW010 high"},
		"known link, to a directory of configuration": {event.ChangeSymlink, "/data/x", "/etc", named, "BW010 high"},
		"known link, to cron":                         {event.ChangeSymlink, "/data/x", "/etc/cron.d", named, "BW010 high"},
		"known link, to the root":                     {event.ChangeSymlink, "/data/x", "/", named, "BW010 high"},
		"known link, to a program":                    {event.ChangeSymlink, "/data/x", "/usr/bin/python3", named, ""},
		"another act":                                 {event.ChangeTruncate, "/data/x", "", 0, "BW010 low"},
		"setuid":                                      {event.ChangeSetuid, "/data/x", "", named, "BW010 high"},
		"setuid, refused":                             {event.ChangeSetuid, "/data/x", "", named | event.FlagRefused, "BW010 medium"},
		"setcap":                                      {event.ChangeSetcap, "/tmp/x", "", 0, "BW010 high"},
		"executable by descriptor":                    {event.ChangeExecutable, "/tmp/x", "", 0, "BW010 high"},
		"executable by name":                          {event.ChangeExecutable, "/tmp/x", "", named, "BW010 medium"},
		"rename over a program":                       {event.ChangeRename, "/srv/app", "", named | event.FlagCreated, "BW010 high"},
		"hard link to shadow":                         {event.ChangeLink, "/etc/shadow", "", named, "BW010 critical"},
		"removal of a library":                        {event.ChangeUnlink, "/usr/lib/x", "", named, "BW010 high"},
		"a new name of code":                          {event.ChangeRename, "/srv/x.php", "", named | event.FlagCreated, "BW010 medium"},
		"a file in memory":                            {event.ChangeChmod, "memfd:x", "", event.FlagMemfd, ""},
		"a file of another container":                 {event.ChangeTruncate, "outside:/x/y", "", event.FlagOutside, "BW010 high"},
	}
	d := New("amd64")
	for name, tt := range tests {
		e := &event.Event{Kind: event.KindChange, Change: tt.act, Path: []byte(tt.path), Target: []byte(tt.target), Flags: tt.flags}
		got := ""
		if deviation, ok := d.Check(e, m); ok {
			got = deviation.Rule.String() + " " + deviation.Severity.String()
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
		if n := testing.AllocsPerRun(10, func() { d.Check(e, m) }); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
	cut := &event.Event{
		Kind: event.KindChange, Change: event.ChangeSymlink, Flags: named, Path: []byte("/data/x"), Target: []byte("/"),
		Args: []byte("/" + strings.Repeat("./", 127)),
	}
	if deviation, ok := d.Check(cut, m); !ok || deviation.Severity != severity.High {
		t.Errorf("a link whose target was cut: got %v, %t", deviation.Severity, ok)
	}
	silent := matcher(t)
	if _, ok := d.Check(&event.Event{Kind: event.KindChange, Change: event.ChangeSetuid, Path: []byte("/x/y")}, silent); ok {
		t.Error("a change is judged though no document speaks for changes")
	}
}
