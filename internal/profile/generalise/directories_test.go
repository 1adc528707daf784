package generalise

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
)

// seen are opens of one kind as the learner has them.
func seen(flags []string, paths ...string) []profile.Open {
	var opens []profile.Open
	for _, path := range paths {
		opens = append(opens, profile.Open{Path: path, Flags: flags})
	}
	return opens
}

var (
	image = []string{FlagImage, "O_RDONLY"}
	read  = []string{"O_RDONLY"}
	made  = []string{FlagCreated, "O_RDWR"}
	wrote = []string{"O_WRONLY"}
)

// attempt is an open that a profile judges.
type attempt struct {
	path    string
	access  event.Access
	ofImage bool
}

func ofImage(path string) attempt { return attempt{path, event.AccessRead, true} }
func reads(path string) attempt   { return attempt{path, event.AccessRead, false} }
func writes(path string) attempt  { return attempt{path, event.AccessWrite, false} }

// TestWholeDirectories pairs each directory that is learned as a whole with what an
// intruder may do there and that has to be heard.
func TestWholeDirectories(t *testing.T) {
	tests := map[string]struct {
		opens  []profile.Open
		want   []profile.Directory
		silent []attempt
		loud   []attempt
	}{
		"libraries": {
			opens:  seen(image, "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libm.so.6", "/usr/lib/x86_64-linux-gnu/libz.so.1"),
			want:   []profile.Directory{{Path: "/usr/lib/x86_64-linux-gnu/⋯", Class: profile.DirectoryImage}},
			silent: []attempt{ofImage("/usr/lib/x86_64-linux-gnu/libssl.so.3"), ofImage("/usr/lib/x86_64-linux-gnu/libc.so.6")},
			loud: []attempt{
				reads("/usr/lib/x86_64-linux-gnu/libevil.so"), reads("/usr/lib/x86_64-linux-gnu/libc.so.6"), // dropped, replaced
				writes("/usr/lib/x86_64-linux-gnu/libssl.so.3"), ofImage("/usr/lib/x86_64-linux-gnu/gconv/x.so"), ofImage("/usr/lib/other/libx.so"),
			},
		},
		"packages of a language": {
			opens:  seen(image, "/app/lib/python3.12/site-packages/a/__init__.py", "/app/lib/python3.12/site-packages/b.py", "/app/lib/python3.12/site-packages/c/d/e.py"),
			want:   []profile.Directory{{Path: "/app/lib/python3.12/site-packages/*", Class: profile.DirectoryImage}},
			silent: []attempt{ofImage("/app/lib/python3.12/site-packages/z/y/x.py"), ofImage("/app/lib/python3.12/site-packages/secrets.py")},
			loud: []attempt{
				reads("/app/lib/python3.12/site-packages/planted.py"), ofImage("/app/lib/python3.12/site-packages/z/id_rsa"),
				ofImage("/app/lib/python3.12/site-packages/z/.env"), ofImage("/app/lib/python3.12/site-packages/z/server.key"),
				ofImage("/app/settings.py"), writes("/app/lib/python3.12/site-packages/b.py"),
			},
		},
		"an application that nobody named": {
			opens:  seen(image, "/app/main.lua", "/app/lib/a.lua", "/app/views/x.tpl"),
			want:   []profile.Directory{{Path: "/app/*", Class: profile.DirectoryImage}},
			silent: []attempt{ofImage("/app/views/y.tpl")},
			loud:   []attempt{reads("/app/lib/b.lua"), ofImage("/app/config/credentials.yml"), ofImage("/other/x")},
		},
		"two files are no tree": {
			opens: seen(image, "/usr/share/x/a", "/usr/share/x/b", "/usr/share/y/a"),
			loud:  []attempt{ofImage("/usr/share/x/c")},
		},
		"no trees of configuration and programs": {
			opens: seen(image, "/etc/a", "/etc/b", "/etc/c", "/usr/bin/a", "/usr/bin/b", "/usr/bin/c", "/root/a", "/root/b", "/root/c"),
			loud:  []attempt{ofImage("/etc/d"), ofImage("/usr/bin/d"), ofImage("/root/d")},
		},
		"logs": {
			opens:  seen(made, "/var/log/app/app.log"),
			want:   []profile.Directory{{Path: "/var/log/app/⋯", Class: profile.DirectoryData, Flags: []string{"O_CREAT", "O_RDWR"}}},
			silent: []attempt{writes("/var/log/app/slow.log"), writes("/var/log/app/app.log-20261128"), reads("/var/log/app")},
			loud: []attempt{
				writes("/var/log/app/id_rsa"), reads("/var/log/app/password.txt"), writes("/var/log/app/x.php"), writes("/var/log/app/x.conf"),
				writes("/var/log/app/.ssh/authorized_keys"), writes("/var/log/other/x"), writes("/var/log/app/$(id).log"),
			},
		},
		"a database": {
			opens: append(seen(made, "/data/pg/postmaster.pid", "/data/pg/x", "/data/pg/pg_wal/000000010000000000000001", "/data/pg/base/1/1234"),
				seen(wrote, "/data/pg/global/pg_control")...),
			want:   []profile.Directory{{Path: "/data/pg/*", Class: profile.DirectoryData, Flags: []string{"O_CREAT", "O_RDWR"}}},
			silent: []attempt{reads("/data/pg/base/5"), writes("/data/pg/base/5/PG_VERSION"), reads("/data/pg"), reads("/data/pg/pg_hba.conf")},
			loud:   []attempt{writes("/data/pg/pg_hba.conf"), writes("/data/pg/lib/evil.so"), reads("/data/pg/server.key"), reads("/data/other")},
		},
		"pages that others put there": {
			opens:  seen(read, "/srv/www/a.html", "/srv/www/b.html", "/srv/www/c.css"),
			want:   []profile.Directory{{Path: "/srv/www/*", Class: profile.DirectoryContent}},
			silent: []attempt{reads("/srv/www/new.html"), reads("/srv/www/blog/x.html")},
			loud:   []attempt{reads("/srv/www/shell.php"), reads("/srv/www/.env"), writes("/srv/www/a.html"), reads("/srv/x")},
		},
		"where everybody writes": {
			opens: seen(made, "/tmp/a", "/tmp/b", "/run/a", "/run/b", "/etc/app/a", "/etc/app/b", "/var/spool/cron/crontabs/a", "/var/spool/cron/crontabs/b"),
			loud:  []attempt{writes("/tmp/c"), writes("/run/c"), writes("/etc/app/c"), writes("/var/spool/cron/crontabs/c")},
		},
		"Kubernetes' secrets": {
			opens: seen(read, "/run/secrets/a", "/run/secrets/b", "/run/secrets/c"),
			loud:  []attempt{reads("/run/secrets/d")},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := Container(profile.Container{Opens: tt.opens}, DefaultThresholds())
			if diff := cmp.Diff(tt.want, c.Directories); diff != "" {
				t.Errorf("directories: -want +got\n%s", diff)
			}
			m, err := match.Compile([]profile.Container{c}, match.Options{Arch: "amd64"})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range tt.silent {
				if got := verdictOf(m, a); got != match.Allowed {
					t.Errorf("%+v: %v, want it to be silent", a, got)
				}
			}
			for _, a := range tt.loud {
				if got := verdictOf(m, a); got == match.Allowed {
					t.Errorf("%+v is allowed, want it to be loud", a)
				}
			}
		})
	}
}

func verdictOf(m *match.Matcher, a attempt) match.Verdict {
	if m.OpenWritten([]byte(a.path), a.access) == match.Allowed {
		return match.Allowed
	}
	return m.Directory([]byte(a.path), a.access, a.ofImage)
}

// TestDirectoryChanges wants a workload to rename and remove its own data, and nobody to
// make a program of it.
func TestDirectoryChanges(t *testing.T) {
	c := Container(profile.Container{Opens: seen(made, "/var/lib/app/a", "/var/lib/app/b")}, DefaultThresholds())
	m, err := match.Compile([]profile.Container{c}, match.Options{Arch: "amd64", Senses: profile.AllSenses})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path string
		act  event.ChangeAct
		want bool
	}{
		{"/var/lib/app/new", event.ChangeRename, true},
		{"/var/lib/app/new", event.ChangeUnlink, true},
		{"/var/lib/app/new", event.ChangeExecutable, false},
		{"/var/lib/app/new", event.ChangeSetuid, false},
		{"/var/lib/app/new", event.ChangeSymlink, false},
		{"/var/lib/app/x.php", event.ChangeRename, false},
		{"/var/lib/app/.ssh/id_rsa", event.ChangeRename, false},
		{"/var/lib/other/new", event.ChangeUnlink, false},
	} {
		if got := m.DirectoryChange([]byte(tt.path), tt.act); got != tt.want {
			t.Errorf("%s of %s: allowed %t, want %t", tt.act, tt.path, got, tt.want)
		}
	}
}

// TestTemporaryChangesInEtc wants sed's temporary files there recognised as opened ones
// are.
func TestTemporaryChangesInEtc(t *testing.T) {
	var changes []profile.Change
	for _, name := range []string{"sedqGBso4", "sedNDI3b6", "sed4QcV7b"} {
		changes = append(changes, profile.Change{Path: "/etc/" + name, Acts: []string{"rename"}})
	}
	got := Container(profile.Container{Changes: changes}, DefaultThresholds()).Changes
	want := []profile.Change{{Path: "/etc/sed⋯", Acts: []string{"rename"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes: -want +got\n%s", diff)
	}
}
