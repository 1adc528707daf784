package sensor

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/testenv"
)

// guardPlain makes a plain cgroup that is guarded and may call everything.
func guardPlain(t *testing.T, s *Sensor) cgroup {
	t.Helper()
	c := learnPlain(t, s)
	if err := s.Guard(c.id, allCalls()); err != nil {
		t.Fatal(err)
	}
	return c
}

// realDir is a directory by the name that the kernel has for it.
func realDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

func mark(t *testing.T, s *Sensor, c cgroup, name string) {
	t.Helper()
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := s.MarkSensitive(c.id, fd, name); err != nil {
		t.Fatal(err)
	}
}

// TestSecondNameOfSensitiveFile opens a marked file by names that are known for
// another file.
func TestSecondNameOfSensitiveFile(t *testing.T) {
	tests := map[string]func(t *testing.T, secret, known string){
		"hard link": func(t *testing.T, secret, known string) {
			if err := os.Remove(known); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(secret, known); err != nil {
				t.Fatal(err)
			}
		},
		"bind mount": func(t *testing.T, secret, known string) {
			if err := unix.Mount(secret, known, "", unix.MS_BIND, ""); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := unix.Unmount(known, 0); err != nil {
					t.Error(err)
				}
			})
		},
	}
	for name, rename := range tests {
		t.Run(name, func(t *testing.T) {
			s := sharedSensor(t)
			c := guardPlain(t, s)
			dir := realDir(t)
			secret, known, other := filepath.Join(dir, "secret"), filepath.Join(dir, "known"), filepath.Join(dir, "other")
			for _, file := range []string{secret, known, other} {
				writeFile(t, file, nil)
			}
			mark(t, s, c, secret)
			c.act(t, "open", []string{known, other})
			ev := findPath(drain(t, s, c.id), event.KindOpen, known)
			if ev == nil || ev.Has(event.FlagSensitive) {
				t.Fatalf("first open of %s = %+v, want it reported as no sensitive file", known, ev)
			}
			rename(t, secret, known)
			c.act(t, "open", []string{other, known})
			events := drain(t, s, c.id)
			ev = findPath(events, event.KindOpen, known)
			if ev == nil || !ev.Has(event.FlagSensitive) || ev.Object != secret {
				t.Errorf("open of %s by another name = %+v, want it reported as that file", secret, ev)
			}
			if findPath(events, event.KindOpen, other) != nil {
				t.Error("a known file is reported again")
			}
			c.act(t, "open", []string{known})
			if findPath(drain(t, s, c.id), event.KindOpen, known) != nil {
				t.Error("a sensitive file is reported twice by one name")
			}
		})
	}
}

// TestFloodDoesNotHideSensitiveFiles spends what a container may send of opens,
// then opens marked files in the same container. Nobody reads meanwhile.
func TestFloodDoesNotHideSensitiveFiles(t *testing.T) {
	s := testSensor(t, Options{RingBytes: 512 << 10})
	c := guardPlain(t, s)
	dir := realDir(t)
	var secrets []string
	for i := range 20 {
		name := filepath.Join(dir, "secret"+strconv.Itoa(i))
		writeFile(t, name, nil)
		mark(t, s, c, name)
		secrets = append(secrets, name)
	}
	drainAll(t, s)
	s.TakeHeld(c.id)
	c.act(t, "flood", []string{realDir(t), "4000"})
	c.act(t, "open", secrets)
	events := drain(t, s, c.id)
	for _, name := range secrets {
		if ev := findPath(events, event.KindOpen, name); ev == nil {
			t.Errorf("open of %s is not reported", name)
		}
	}
	if s.TakeHeld(c.id).News == 0 {
		t.Error("the flood did not spend the container's share")
	}
}

// TestDetachedMountIsNamed opens files through mounts of one file each that are
// attached nowhere.
func TestDetachedMountIsNamed(t *testing.T) {
	s := sharedSensor(t)
	c := guardPlain(t, s)
	dir := realDir(t)
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	for _, file := range []string{first, second} {
		writeFile(t, file, nil)
	}
	c.act(t, "open detached", []string{first, second})
	events := drain(t, s, c.id)
	for _, file := range []string{first, second} {
		ok := slices.ContainsFunc(events, func(ev *event.Event) bool {
			path := string(ev.Path)
			// A temporary directory may be a file system of its own.
			return ev.Kind == event.KindOpen && ev.Has(event.FlagOutside) && strings.HasPrefix(path, "outside:/") &&
				strings.HasSuffix(path, filepath.Base(dir)+"/"+filepath.Base(file))
		})
		if !ok {
			t.Errorf("%s through a detached mount is not reported by its name", file)
		}
	}
}

func openDetached(files []string) int {
	for _, file := range files {
		fd, err := unix.OpenTree(unix.AT_FDCWD, file, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return 1
		}
		f, err := os.Open("/proc/self/fd/" + strconv.Itoa(fd))
		if err != nil {
			return 1
		}
		f.Close()
	}
	return 0
}

// TestReplacedProgram renames a program over one of an image's layer: the
// kernel says that it is another file, on the writable layer.
func TestReplacedProgram(t *testing.T) {
	s := sharedSensor(t)
	lower, upper, work, merged := realDir(t), realDir(t), realDir(t), realDir(t)
	program, err := os.ReadFile(testenv.Command(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(lower, "busybox"), program)
	options := "lowerdir=" + lower + ",upperdir=" + upper + ",workdir=" + work
	if err := unix.Mount("overlay", merged, "overlay", 0, options); err != nil {
		testenv.Skip(t, "mount overlay on this file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(merged, 0); err != nil {
			t.Error(err)
		}
	})
	run := func() *event.Event {
		t.Helper()
		c := learnContainer(t, s)
		c.act(t, "enter", []string{merged}, func(cmd *exec.Cmd) { cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWNS })
		ev := findPath(drain(t, s, c.id), event.KindExec, filepath.Join(merged, "busybox"))
		if ev == nil {
			t.Fatal("execution not reported")
		}
		return ev
	}
	first, again := run(), run()
	if first.Has(event.FlagUpperLayer) || first.Has(event.FlagMount) || !first.Has(event.FlagLowerLayer) {
		t.Errorf("flags of a program of the image = %b", first.Flags)
	}
	if first.Ino != again.Ino || first.Dev != again.Dev || first.Changed != again.Changed || first.Changed == 0 {
		t.Errorf("the same program is file %d changed at %d, then %d at %d", first.Ino, first.Changed, again.Ino, again.Changed)
	}
	dropped := filepath.Join(merged, "dropped")
	writeFile(t, dropped, program)
	if err := os.Rename(dropped, filepath.Join(merged, "busybox")); err != nil {
		t.Fatal(err)
	}
	if ev := run(); !ev.Has(event.FlagUpperLayer) || ev.Has(event.FlagLowerLayer) || ev.Ino == first.Ino {
		t.Errorf("flags of a replaced program = %b, inode %d", ev.Flags, ev.Ino)
	}
}
