package observe

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/testenv"
)

// summarize counts what a shell script does.
func summarize(t *testing.T, script string) Summary {
	t.Helper()
	testenv.Root(t)
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = []string{"LC_ALL=C"} // no locales to look for
	o, err := Command(cmd)
	if err != nil {
		t.Fatal(err)
	}
	z, err := o.Summarize()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(o.Run(t.Context(), z), z.Close(), o.Close()); err != nil {
		t.Fatal(err)
	}
	all, uncounted, err := z.Summaries()
	if err != nil || uncounted != 0 || len(all) != 1 {
		t.Fatalf("Summaries() = %d, %d uncounted, %v; want one of everything", len(all), uncounted, err)
	}
	return all[0]
}

func TestSummarizeCommand(t *testing.T) {
	s := summarize(t, "for i in 1 2 3 4 5; do /bin/cat /etc/hostname /nonexistent; done >/dev/null 2>&1; exit 0")
	if s.Workload != "sh" || !s.StartSeen || s.Instances != 1 || s.Lost != 0 || s.Observed <= 0 {
		t.Errorf("summary of %q: %+v", s.Workload, s)
	}
	if top := s.Processes[0]; top.Count != 5 || strings.Join(top.Args, " ") != "/bin/cat /etc/hostname /nonexistent" || !top.Last.After(top.First) {
		t.Errorf("most frequent process %+v, want cat five times", top)
	}
	var file, call bool
	for _, f := range s.Files {
		if f.Path == "/etc/hostname" {
			file = true
			if f.Access != "O_RDONLY" || f.Comm != "cat" || time.Since(f.First) > time.Minute {
				t.Errorf("file %+v", f)
			}
		}
	}
	for _, c := range s.Syscalls {
		if c.Name == "openat" {
			call = true
			if c.Errors != 5 || c.Count < 10 || c.Last.Before(c.First) {
				t.Errorf("call %+v, want the five errors of a file that is not there", c)
			}
		}
	}
	if !file || !call {
		t.Errorf("file seen: %t, call seen: %t", file, call)
	}
}

// A container that runs already is summarized with what runs in it.
func TestSummarizeContainer(t *testing.T) {
	daemon, image := newContainerd(t)
	if _, err := daemon.Run(t.Context(), testenv.ContainerSpec{ID: "summarized", Image: image.Ref, Name: "web", Pod: "web-0"}); err != nil {
		t.Fatal(err)
	}
	o, err := Containers(Target{Container: "web"}, []string{daemon.Address})
	if err != nil {
		t.Fatal(err)
	}
	z, err := o.Summarize()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := errors.Join(o.Run(ctx, z), z.Close(), o.Close()); err != nil {
		t.Fatal(err)
	}
	all, _, err := z.Summaries()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d summaries, %v", len(all), err)
	}
	s := all[0]
	if s.Namespace != "default" || s.Container != "web" || s.StartSeen || len(s.Images) != 1 {
		t.Errorf("summary of %s/%s %q, start seen: %t", s.Namespace, s.Container, s.Images, s.StartSeen)
	}
	entry, sleeps := false, uint64(0)
	for _, p := range s.Processes {
		entry = entry || p.Path == "/bin/busybox" && p.Args[0] == "/bin/sh"
		if len(p.Args) > 1 && p.Args[1] == "sleep" {
			sleeps = p.Count
		}
	}
	if !entry || sleeps < 2 {
		t.Errorf("entrypoint seen: %t, %d sleeps in %+v", entry, sleeps, s.Processes)
	}
	if len(s.Syscalls) == 0 || s.Syscalls[0].Count < 2 {
		t.Errorf("system calls %+v", s.Syscalls)
	}
}

// Whatever a container does, memory is bounded, and what is left out counted.
func TestSummaryIsBounded(t *testing.T) {
	tally := &tallies{processes: map[string]*ProcessLine{}, files: map[FileLine]FileLine{}}
	for i := range maxLines + 10 {
		path := []byte(strings.Repeat("x", 3) + string(rune('0'+i%10)) + time.Duration(i).String())
		tally.addProcess(string(path), []byte(strings.Repeat("a", 2*maxArgBytes)), time.Now())
		tally.addFile(&event.Event{Path: path, Flags: event.FlagRefused, Errno: uint32(unix.EACCES)}, time.Now())
	}
	if len(tally.processes) != maxLines || len(tally.files) != maxLines || tally.summary.NotKept != 20 {
		t.Errorf("%d processes, %d files, %d left out; want %d, %d, 20", len(tally.processes), len(tally.files), tally.summary.NotKept, maxLines, maxLines)
	}
	for _, p := range tally.processes {
		if len(p.Args[0]) > maxArgBytes {
			t.Errorf("an argument of %d bytes", len(p.Args[0]))
		}
	}
}
