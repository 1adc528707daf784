package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"

	"bobwatch/internal/config"
	"bobwatch/internal/testenv"
)

// TestManyStartsAtOnce makes cgroups as fast as the machine can, and between
// them as many that end at once: each that stays is watched.
func TestManyStartsAtOnce(t *testing.T) {
	const many = 2000
	c := testConfig(t)
	c.Learning.Window = config.Duration(time.Hour)
	core, logs := observer.New(zap.InfoLevel)
	r := startLogged(t, c, zap.New(core))

	root, err := testenv.CgroupRoot()
	if err != nil {
		t.Fatal(err)
	}
	began := make(map[string]time.Time, many)
	dirs := make([]string, many)
	for i := range dirs {
		dirs[i] = filepath.Join(root, fmt.Sprintf("%sstays-%d", victimPrefix(), i))
	}
	t.Cleanup(func() {
		for _, dir := range dirs {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		}
	})
	start := time.Now()
	for _, dir := range dirs {
		began[filepath.Base(dir)] = time.Now()
		short := dir + "-short"
		for _, err := range []error{unix.Mkdir(dir, 0o755), unix.Mkdir(short, 0o755), unix.Rmdir(short)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	made := time.Since(start)

	watched := map[string]time.Duration{}
	eventually(t, fmt.Sprintf("all %d cgroups are watched", many), func() bool {
		for _, entry := range logs.FilterMessage("watching container").TakeAll() {
			name, _ := entry.ContextMap()["container"].(string)
			if at, ok := began[name]; ok {
				watched[name] = entry.Time.Sub(at)
			}
		}
		return len(watched) == many
	})
	var after []time.Duration
	for _, d := range watched {
		after = append(after, d)
	}
	slices.Sort(after)
	t.Logf("%d cgroups in %s; watched after %s (p50), %s (p99), %s (max)", many, made,
		after[many/2], after[many*99/100], after[many-1])
	if none := "bobwatch_sensor_cgroups_untracked_total 0\n"; !strings.Contains(r.get("/metrics"), none) {
		t.Error("some cgroup found no room in the kernel's table")
	}
}
