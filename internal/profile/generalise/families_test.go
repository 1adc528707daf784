package generalise

import (
	"slices"
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"

	"github.com/google/go-cmp/cmp"
)

// Each family is paired with what an attacker would do who knows the pattern.
func TestFamilies(t *testing.T) {
	tests := map[string]struct {
		made, read   []string
		want         []string // patterns among those learned
		silent, loud []string
	}{
		"sed -i": {
			made: []string{"/etc/nginx/conf.d/sedm5UivE", "/etc/nginx/conf.d/sedX2bqQz"},
			read: []string{"/etc/nginx/conf.d/default.conf"},
			want: []string{"/etc/nginx/conf.d/sed⋯"}, silent: []string{"/etc/nginx/conf.d/sedqwerty"},
			loud: []string{"/etc/nginx/conf.d/evil.conf", "/etc/nginx/conf.d/sedqwerty.conf", "/etc/nginx/sedqwerty", "/etc/sedqwerty"},
		},
		"redis beside its configuration": {
			made: []string{"/etc/redis/redis.conf.Qw8FO8"}, read: []string{"/etc/redis/redis.conf"},
			want: []string{"/etc/redis/redis.conf.⋯"}, silent: []string{"/etc/redis/redis.conf.mWKiOA"},
			loud: []string{"/etc/redis/users.acl", "/etc/redis/redis.conf.d/evil.conf", "/etc/redis/redis.conf.a.so"},
		},
		"useradd": {
			made: []string{"/etc/passwd.28"}, read: []string{"/etc/passwd"},
			want: []string{"/etc/passwd.⟦#⟧"}, silent: []string{"/etc/passwd.4711"},
			loud: []string{"/etc/passwd.bak", "/etc/passwd-", "/etc/shadow", "/etc/shadow.4711", "/etc/shadow.bak"},
		},
		"python's compiler": {
			made: []string{"/usr/lib/app/__pycache__/one.cpython-311.pyc.140234511"}, read: []string{"/usr/lib/app/__pycache__/one.cpython-311.pyc"},
			want: []string{"/usr/lib/app/__pycache__/one.cpython-311.pyc.⟦#⟧"}, silent: []string{"/usr/lib/app/__pycache__/one.cpython-311.pyc.139999999"},
			loud: []string{"/usr/lib/app/__pycache__/two.cpython-311.pyc", "/usr/lib/app/__pycache__/one.cpython-311.pyc.so", "/usr/lib/app/one.py"},
		},
		"apache's pid": {
			made: []string{"/run/apache2/apache2.pid.mWKiOA", "/run/apache2/apache2.pid"},
			want: []string{"/run/apache2/apache2.pid.⋯"}, silent: []string{"/run/apache2/apache2.pid.qwerty"},
			loud: []string{"/run/apache2/other.sock", "/run/apache2/apache2.pid.so.1"},
		},
		"uploads": {
			made: []string{"/var/cache/lighttpd/uploads/lighttpd-upload-mWKiOA", "/var/cache/lighttpd/uploads/lighttpd-upload-8fJq2L"},
			want: []string{"/var/cache/lighttpd/uploads/lighttpd-upload-⋯"}, silent: []string{"/var/cache/lighttpd/uploads/lighttpd-upload-abcdef"},
			loud: []string{"/var/cache/lighttpd/uploads/lighttpd-upload-abcdef.php", "/var/cache/lighttpd/uploads/x", "/var/cache/lighttpd/uploads/.env"},
		},
		"names of the image stay": {
			read: []string{"/etc/app/abcQ12.x", "/etc/app/abcW93.x", "/usr/share/a/3f2a9c1b77aa", "/usr/share/a/9c1b77aa3f2a"},
			want: []string{"/etc/app/abcQ12.x", "/etc/app/abcW93.x", "/usr/share/a/3f2a9c1b77aa", "/usr/share/a/9c1b77aa3f2a"},
			loud: []string{"/etc/app/abcE11.x", "/usr/share/a/0c1b77aa3f2a"},
		},
		"keys stay": {
			made: []string{"/root/.ssh/id_Qw8FO8", "/root/.ssh/id_mWKiOA", "/etc/ssh/ssh_host_Qw8FO8_key", "/etc/ssh/ssh_host_mWKiOA_key"},
			want: []string{"/root/.ssh/id_Qw8FO8", "/root/.ssh/id_mWKiOA", "/etc/ssh/ssh_host_Qw8FO8_key", "/etc/ssh/ssh_host_mWKiOA_key"},
			loud: []string{"/root/.ssh/id_rsa", "/root/.ssh/id_ed2551", "/etc/ssh/ssh_host_rsa_key"},
		},
		"a payload in the name": {
			made: []string{"/data/job-Qw8FO8.tmp", "/data/job-mWKiOA.tmp"},
			want: []string{"/data/job-⋯.tmp"}, silent: []string{"/data/job-abcdef.tmp"},
			loud: []string{"/data/job-$(id).tmp", "/data/job-a;b.tmp", "/data/job-../x.tmp", "/data/job-a b.tmp", "/data/job-\xff.tmp"},
		},
		"every byte": {
			read: []string{"/srv/*", "/srv/⋯", "/srv/caf\xe9", "/srv/a\nb", "/srv/⟦#⟧"},
			want: []string{"/srv/⟦2a⟧", "/srv/⟦e28baf⟧", "/srv/caf⟦e9⟧", "/srv/a⟦0a⟧b", "/srv/⟦e29fa6⟧#⟦e29fa7⟧"},
			loud: []string{"/srv/x", "/srv/7", "/srv/a/b", "/srv/café"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := NewPathSet(DefaultThresholds().Scale(4))
			for _, path := range tt.read {
				set.Observe(path, []string{"O_RDONLY"})
			}
			for _, path := range tt.made {
				set.Observe(path, []string{FlagCreated, "O_RDWR"})
			}
			c := profile.Container{Opens: withoutFacts(generaliseOpens(set.Opens(), DefaultThresholds()))}
			var learned []string
			for _, o := range c.Opens {
				learned = append(learned, o.Path)
			}
			for _, want := range tt.want {
				if !slices.Contains(learned, want) {
					t.Errorf("no %s among %q", want, learned)
				}
			}
			again := profile.Container{Opens: generaliseOpens(c.Opens, DefaultThresholds())}
			if diff := cmp.Diff(c, again); diff != "" {
				t.Errorf("generalised again: -once +twice\n%s", diff)
			}
			m, err := match.Compile([]profile.Container{c}, match.Options{Arch: "amd64"})
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range slices.Concat(tt.silent, tt.made) {
				if got := m.Open([]byte(path), event.AccessWrite); got != match.Allowed {
					t.Errorf("%s: %v, want it to be silent", path, got)
				}
			}
			for _, path := range tt.read {
				if got := m.Open([]byte(path), event.AccessRead); got != match.Allowed {
					t.Errorf("%s: %v, want it to be silent", path, got)
				}
			}
			for _, path := range tt.loud {
				for _, access := range []event.Access{event.AccessRead, event.AccessWrite} {
					if got := m.Open([]byte(path), access); got == match.Allowed {
						t.Errorf("%s: allowed, want it to be loud", path)
					}
				}
			}
		})
	}
}
