package report

import (
	"testing"

	"bobwatch/internal/profile"
	"bobwatch/internal/sensitive"
	"bobwatch/internal/severity"
	"bobwatch/internal/syscalls"
)

// A difference between platforms may not be a way to hide: what is named so
// is harmless by itself.
func TestPlatformDifferencesAreHarmless(t *testing.T) {
	for family, difference := range platformCalls {
		if syscalls.Severity(family) != severity.Low {
			t.Errorf("%s is %s", family, syscalls.Severity(family))
		}
		if syscalls.Family(family) != family {
			t.Errorf("%s is of the family %s", family, syscalls.Family(family))
		}
		if differences[difference] == "" {
			t.Errorf("%s: nothing explains %q", family, difference)
		}
	}
	for _, file := range platformFiles {
		if grade, sensitive := sensitive.Grade([]byte(file.pattern)); sensitive {
			t.Errorf("%s is sensitive: %s", file.pattern, grade)
		}
	}
	for _, call := range runtimeCalls {
		if syscalls.Family(call) != call {
			t.Errorf("%s is of the family %s", call, syscalls.Family(call))
		}
	}
}

func TestPlatformFile(t *testing.T) {
	library := profile.Open{Path: "/usr/lib/x86_64-linux-gnu/libssl.so.1.1"}
	tests := map[string]struct {
		open profile.Open
		want string
	}{
		"processors":                {profile.Open{Path: "/sys/devices/system/cpu/online", Flags: []string{"O_RDONLY"}}, platformMachine},
		"written":                   {profile.Open{Path: "/sys/fs/cgroup/cpu.max", Flags: []string{"O_RDWR"}}, ""},
		"resolver":                  {profile.Open{Path: "/etc/nsswitch.conf", Flags: []string{"O_RDONLY"}}, platformLibc},
		"another release":           {profile.Open{Path: "/usr/lib/x86_64-linux-gnu/libssl.so.3", Flags: []string{"O_RDONLY"}}, platformLibrary},
		"another architecture":      {profile.Open{Path: "/lib/aarch64-linux-gnu/libssl.so.1.1", Flags: []string{"O_RDONLY"}}, platformLibrary},
		"another library":           {profile.Open{Path: "/usr/lib/libevil.so", Flags: []string{"O_RDONLY"}}, ""},
		"a library elsewhere":       {profile.Open{Path: "/tmp/libssl.so.3", Flags: []string{"O_RDONLY"}}, ""},
		"a library that is written": {profile.Open{Path: "/usr/lib/libssl.so.3", Flags: []string{"O_WRONLY"}}, ""},
		"an ordinary file":          {profile.Open{Path: "/srv/data", Flags: []string{"O_RDONLY"}}, ""},
	}
	trial := Trial{Document: document(profile.Container{Opens: []profile.Open{library}})}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &finding{entry: &profile.Container{Opens: []profile.Open{tt.open}}}
			if got := trial.platformOf(f); got != tt.want {
				t.Errorf("platformOf(%s): got %q, want %q", tt.open.Path, got, tt.want)
			}
		})
	}
}
