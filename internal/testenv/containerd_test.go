package testenv

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestContainerd walks the whole way of a container: an image from nothing but
// files and Debian's packages, a start, a program run from outside, a daemon
// that goes away and comes back, an end.
func TestContainerd(t *testing.T) {
	c := NewContainerd(t)
	Command(t, "mmdebstrap")
	ctx := t.Context()
	base, err := Debian(ctx)
	if err != nil {
		t.Fatal(err)
	}
	img := Image{
		Ref:        "localhost/testenv:1",
		Base:       base,
		Files:      []File{{Path: "/srv/page/hello", Mode: 0o644, Data: []byte("hello")}},
		Entrypoint: []string{"sleep", "60"},
	}
	if err := c.Import(ctx, img); err != nil {
		t.Fatal(err)
	}
	k, err := c.Run(ctx, ContainerSpec{ID: "one", Image: img.Ref})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if !k.Running() {
		t.Error("container ended with the daemon")
	}
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	out, err := k.Exec(ctx, "cat", "/srv/page/hello")
	if got, want := string(out), "hello"; err != nil || got != want {
		t.Errorf("Exec(cat) = %q, %v; want %q", got, err, want)
	}
	out, err = k.ExecTTY(ctx, "tty")
	// ctr may come too late to resize the terminal, and says so in between.
	if got, want := string(out), "/dev/pts/"; err != nil || !strings.Contains(got, want) {
		t.Errorf("ExecTTY(tty) = %q, %v; want a device", got, err)
	}
	if id, err := k.CgroupID(); err != nil || id <= 1 {
		t.Errorf("CgroupID() = %d, %v; want the id of a cgroup of its own", id, err)
	}
	start := time.Now()
	if err := k.Stop(ctx); err != nil || k.Running() {
		t.Errorf("Stop() = %v, running %t", err, k.Running())
	}
	t.Logf("stopped in %v", time.Since(start))
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.dir); !os.IsNotExist(err) {
		t.Errorf("Close() left %s", c.dir)
	}
}
