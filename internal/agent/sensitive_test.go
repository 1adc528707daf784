package agent

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"bobwatch/internal/alert"
	"bobwatch/internal/event"
	"bobwatch/internal/testenv"
)

// TestSecondNameOfSensitiveFile mounts a sensitive file over one that the
// profile allows: the alert names the file, not the name.
func TestSecondNameOfSensitiveFile(t *testing.T) {
	const secret = "/etc/gshadow"
	if _, err := os.Stat(secret); err != nil {
		testenv.Skip(t, "needs a sensitive file: %v", err)
	}
	r := start(t, testConfig(t))
	v := newVictim(t)
	allowed := filepath.Join(t.TempDir(), "allowed")
	if err := os.WriteFile(allowed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	script := "cat " + allowed + " >/dev/null; sleep 1" // or it has ended before its root is looked at
	v.sh(t, script)
	r.learned(v)
	v.sh(t, script)
	if err := unix.Mount(secret, allowed, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(allowed, 0); err != nil {
			t.Error(err)
		}
	})
	v.sh(t, script)
	a := r.await("open by another name", func(a *alert.Alert) bool { return a.Deviation.Open != nil })
	if got := a.Deviation.Open.Path; got != secret || a.Severity.String() != "critical" {
		t.Errorf("%s alert of %s, want a critical one of %s", a.Severity, got, secret)
	}
}

// A sensitive file goes by its own name, and in a volume only if the last part of
// the name that it was opened by differs.
func TestByObject(t *testing.T) {
	tests := map[string]struct {
		path, object string
		flags        event.Flag
		want         bool
	}{
		"not sensitive":             {path: "/srv/page"},
		"by its own name":           {path: "/etc/shadow", object: "/etc/shadow"},
		"detached mount of it":      {path: "outside:/etc/shadow", object: "/etc/shadow"},
		"hard link":                 {path: "/tmp/page", object: "/etc/shadow", want: true},
		"second mount of a volume":  {path: "/data/tls.key", object: "/etc/tls/tls.key", flags: event.FlagMount},
		"renamed within the volume": {path: "/data/page", object: "/etc/tls/tls.key", flags: event.FlagMount, want: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := byObject(&event.Event{Kind: event.KindOpen, Path: []byte(tt.path), Object: tt.object, Flags: tt.flags})
			if (got != nil) != tt.want || got != nil && string(got.Path) != tt.object {
				t.Errorf("byObject = %v, want one: %t", got, tt.want)
			}
		})
	}
}
