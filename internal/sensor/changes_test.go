package sensor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
)

// changeActs are changes of a child whose working directory is one of the test's,
// by name.
var changeActs = map[string]func(dir string) error{
	"change names":    changeNames,
	"change files":    changeFiles,
	"change refused":  changeRefused,
	"change programs": changePrograms,
}

func performChange(act string, args []string) (code int, ok bool) {
	f, ok := changeActs[act]
	if !ok {
		return 0, false
	}
	if err := os.Chdir(args[0]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	unix.Umask(0)
	if err := f(args[0]); err != nil {
		fmt.Fprintln(os.Stderr, act, err)
		return 1, true
	}
	return 0, true
}

// steps calls each and returns the first error.
func steps(calls ...func() error) error {
	for i, call := range calls {
		if err := call(); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

func changeNames(dir string) error {
	return steps(
		func() error { return unix.Mkdir("sub", 0o755) },
		func() error { return os.WriteFile("a", nil, 0o600) },
		func() error { return unix.Rename("a", "sub/b") },
		func() error { return unix.Link("sub/b", filepath.Join(dir, "c")) },
		func() error { return unix.Symlink("/etc/shadow", "s") },
		func() error { return unix.Symlink("elsewhere", "s2") },
		func() error { return unix.Mknod("pipe", unix.S_IFIFO|0o600, 0) },
		func() error { return inDirectory("sub", func(fd int) error { return unix.Renameat(fd, "b", fd, "d") }) },
		func() error { return inDirectory("sub", func(fd int) error { return unix.Unlinkat(fd, "d", 0) }) },
		func() error { return unix.Unlink("c") },
		func() error { unix.Unlink("not there"); return nil },
		func() error { return unix.Unlinkat(unix.AT_FDCWD, "sub", unix.AT_REMOVEDIR) },
		func() error { return unix.Unlink("s") },
		func() error { return unix.Unlink("s2") },
		func() error { return unix.Unlink("pipe") },
	)
}

func inDirectory(name string, f func(fd int) error) error {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

func changeFiles(string) error {
	f, err := os.Create("f")
	if err != nil {
		return err
	}
	defer f.Close()
	fd := int(f.Fd())
	return steps(
		func() error { return unix.Ftruncate(fd, 100) },
		func() error { return unix.Fchmod(fd, 0o640) },
		func() error { return unix.Fchown(fd, 1, 1) },
		func() error { return unix.Truncate("f", 0) },
		func() error { return unix.Chown("f", 0, 0) },
		func() error { return unix.Lchown("f", 0, 1) },
		func() error { return unix.Chmod("f", 0o600) },
		func() error { return unix.Mount("none", ".", "tmpfs", 0, "") },
	)
}

func changePrograms(string) error {
	f, err := os.Create("p")
	if err != nil {
		return err
	}
	defer f.Close()
	capability := make([]byte, 20) // struct vfs_cap_data of revision 2
	capability[3] = 2
	return steps(
		func() error { return unix.Fchmod(int(f.Fd()), 0o755) },
		func() error { return unix.Chmod("p", 0o4755) },
		func() error { return unix.Chmod("p", 0o700) },
		func() error { return unix.Setxattr("p", "security.capability", capability, 0) },
		func() error { return unix.Fsetxattr(int(f.Fd()), "security.capability", capability, 0) },
		func() error { return unix.Mknod("null", unix.S_IFCHR|0o600, 1<<8|3) },
	)
}

func changeRefused(string) error {
	if err := os.WriteFile("p", nil, 0o644); err != nil {
		return err
	}
	if err := unix.Setuid(65534); err != nil {
		return err
	}
	for _, err := range []error{unix.Chmod("p", 0o4777), unix.Rename("p", "x"), unix.Unlink("p")} {
		if err == nil {
			return fmt.Errorf("not refused")
		}
	}
	return nil
}

// changeWords are the changes in events, in words, with the directory of the test
// left out.
func changeWords(events []*event.Event, dir string) []string {
	var words []string
	for _, ev := range events {
		if ev.Kind != event.KindChange || ev.Has(event.FlagRuntime) {
			continue
		}
		text := ev.Change.String() + " " + string(ev.Path)
		if ev.Mode != 0 {
			text += fmt.Sprintf(" %o", ev.Mode)
		}
		if len(ev.Args) > 0 {
			text += " (" + strings.TrimRight(string(ev.Args), "\x00") + ")"
		}
		if !ev.Has(event.FlagCallerPath) {
			text += " exact"
		}
		if ev.Has(event.FlagCreated) {
			text += " new"
		}
		if ev.Has(event.FlagRefused) {
			text += fmt.Sprintf(" refused %d", ev.Errno)
		}
		words = append(words, strings.ReplaceAll(text, dir, "DIR"))
	}
	return words
}

func TestChanges(t *testing.T) {
	tests := map[string][]string{
		"change names": {
			"mkdir DIR/sub new",
			"rename DIR/a (sub/b)", "rename DIR/sub/b (a) new",
			"link DIR/sub/b (DIR/c)", "link DIR/c (sub/b) new",
			"symlink DIR/s (/etc/shadow) new", "symlink DIR/s2 (elsewhere) new",
			"mknod DIR/pipe 10600 new",
			"rename DIR/sub/b (d)", "rename DIR/sub/d (b) new",
			"unlink DIR/sub/d", "unlink DIR/c", "rmdir DIR/sub", "unlink DIR/s", "unlink DIR/s2", "unlink DIR/pipe",
		},
		"change files": {
			"truncate DIR/f exact new", "chmod DIR/f 640 exact new", "chown DIR/f exact new",
			"truncate DIR/f", "chown DIR/f", "chmod DIR/f 600", "mount DIR (none)",
		},
		"change programs": {
			"executable DIR/p 755 exact new", "setuid DIR/p 4755", "executable DIR/p 700",
			"setcap DIR/p", "setcap DIR/p exact new", "device DIR/null 20600 new",
		},
		"change refused": {
			"setuid DIR/p 4777 refused 1", "rename DIR/p (x) refused 13",
			"rename DIR/x (p) new refused 13", "unlink DIR/p refused 13",
		},
	}
	s := sharedSensor(t)
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			c := learnContainer(t, s)
			dir := t.TempDir()
			c.act(t, name, []string{dir}, ownMounts)
			got := changeWords(drain(t, s, c.id), dir)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("changes: (-want +got)\n%s", diff)
			}
			if err := clearDirectory(dir); err != nil {
				t.Fatal(err)
			}
			c.act(t, name, []string{dir}, ownMounts)
			if again := changeWords(drain(t, s, c.id), dir); again != nil {
				t.Errorf("known changes are reported again: %q", again)
			}
		})
	}
}

func clearDirectory(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return err
}
