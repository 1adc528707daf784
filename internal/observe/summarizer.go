package observe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/host"
	"bobwatch/internal/sensor"
)

// maxLines bounds each list of a Summary, maxArgBytes the arguments of a line.
const (
	maxLines    = 8192
	maxArgBytes = 4096
)

// Summarizer is a Handler that counts. While it exists the kernel counts every system
// call of the observed containers.
type Summarizer struct {
	boot       time.Time
	counter    *sensor.Counter
	containers map[string]*tallies // by name
	uncounted  uint64
	errs       []error
}

// tallies are what becomes a Summary.
type tallies struct {
	summary   Summary
	images    map[string]bool
	processes map[string]*ProcessLine
	files     map[FileLine]FileLine     // by path, access and errno alone
	sockets   map[SocketLine]SocketLine // by act, protocol and address alone
	syscalls  map[SyscallLine]SyscallLine
}

// Summarize returns a Summarizer for what o will observe. It is closed before o.
func (o *Observer) Summarize() (*Summarizer, error) {
	counter, err := o.sensor.CountCalls()
	if err != nil {
		return nil, err
	}
	return &Summarizer{boot: host.BootTime(), counter: counter, containers: map[string]*tallies{}}, nil
}

// Close ends the counting.
func (z *Summarizer) Close() error { return z.counter.Close() }

// Begin implements Handler.
func (z *Summarizer) Begin(s *Subject) {
	c := &s.Container
	t := z.containers[c.Name]
	if t == nil {
		t = &tallies{
			summary:   Summary{Namespace: c.Namespace, Kind: c.Owner.Kind, Workload: c.Owner.Name, Container: c.Name},
			images:    map[string]bool{},
			processes: map[string]*ProcessLine{},
			files:     map[FileLine]FileLine{},
			sockets:   map[SocketLine]SocketLine{},
			syscalls:  map[SyscallLine]SyscallLine{},
		}
		z.containers[c.Name] = t
	}
	t.summary.Instances++
	t.summary.StartSeen = t.summary.StartSeen || s.StartSeen
	if image := imageOf(c); image != "" {
		t.images[image] = true
	}
	for _, pid := range s.PIDs {
		if path, args, err := runningCommand(pid); err == nil {
			t.addProcess(path, args, s.Began)
		}
	}
}

// Act implements Handler.
func (z *Summarizer) Act(s *Subject, ev *event.Event) {
	t := z.containers[s.Container.Name]
	at := z.boot.Add(time.Duration(ev.Time))
	switch ev.Kind {
	case event.KindExec:
		t.addProcess(string(ev.Path), ev.Args, at)
	case event.KindOpen:
		t.addFile(ev, at)
	}
}

// End implements Handler. It reads the kernel's counts.
func (z *Summarizer) End(s *Subject) {
	t := z.containers[s.Container.Name]
	t.summary.Lost += s.Lost
	t.summary.Observed += s.Ended.Sub(s.Began).Seconds()
	calls, err := z.counter.Calls(s.Container.CgroupID)
	addresses, addressErr := z.counter.Addresses(s.Container.CgroupID)
	uncounted, uncountedErr := z.counter.Uncounted()
	z.uncounted = uncounted
	z.errs = append(z.errs, err, addressErr, uncountedErr)
	for i := range calls {
		z.addCall(t, &calls[i])
	}
	for i := range addresses {
		z.addAddress(t, &addresses[i])
	}
}

// Summaries returns one Summary for each container, and how many system calls
// could not be counted for lack of room.
func (z *Summarizer) Summaries() (all []Summary, uncounted uint64, err error) {
	for _, name := range slices.Sorted(maps.Keys(z.containers)) {
		t := z.containers[name]
		s := t.summary
		s.Images = slices.Sorted(maps.Keys(t.images))
		for _, line := range t.processes {
			s.Processes = append(s.Processes, *line)
		}
		s.Files = slices.Collect(maps.Values(t.files))
		s.Sockets = slices.Collect(maps.Values(t.sockets))
		s.Syscalls = slices.Collect(maps.Values(t.syscalls))
		s.sort()
		all = append(all, s)
	}
	return all, z.uncounted, errors.Join(z.errs...)
}

func (t *tallies) addProcess(path string, args []byte, at time.Time) {
	args = bytes.TrimSuffix(args[:min(len(args), maxArgBytes)], []byte{0})
	key := path + "\x00" + string(args)
	line := t.processes[key]
	if line == nil {
		if len(t.processes) >= maxLines {
			t.summary.NotKept++
			return
		}
		line = &ProcessLine{Path: path, Args: strings.Split(string(args), "\x00")}
		t.processes[key] = line
	}
	line.Count++
	line.Times = line.Times.join(Times{at, at})
}

func (t *tallies) addFile(ev *event.Event, at time.Time) {
	key := FileLine{Path: string(ev.Path), Access: ev.Access.String()}
	if ev.Has(event.FlagRefused) {
		key.Errno = unix.ErrnoName(unix.Errno(ev.Errno))
	}
	if _, known := t.files[key]; known {
		return
	}
	if len(t.files) >= maxLines {
		t.summary.NotKept++
		return
	}
	line := key
	line.Comm, line.First = ev.Process.CommString(), at
	t.files[key] = line
}

func (z *Summarizer) times(t sensor.Tally) Times {
	return Times{z.boot.Add(time.Duration(t.First)), z.boot.Add(time.Duration(t.Last))}
}

func (z *Summarizer) addCall(t *tallies, c *sensor.CallTally) {
	key := SyscallLine{Name: CallName(c.ABI, c.Nr)}
	switch c.ABI {
	case event.ABICompat:
		key.ABI = "32-bit"
	case event.ABIX32:
		key.ABI = "x32"
	}
	if _, known := t.syscalls[key]; !known && len(t.syscalls) >= maxLines {
		t.summary.NotKept++
		return
	}
	line := t.syscalls[key]
	line.Name, line.ABI = key.Name, key.ABI
	line.Count += c.Count
	line.Errors += c.Errors
	line.Times = line.Times.join(z.times(c.Tally))
	t.syscalls[key] = line
}

func (z *Summarizer) addAddress(t *tallies, a *sensor.AddressTally) {
	key := SocketLine{Act: addressActs[a.Use], Protocol: protocolOf(a), Address: addressOf(a)}
	if _, known := t.sockets[key]; !known && len(t.sockets) >= maxLines {
		t.summary.NotKept++
		return
	}
	line, known := t.sockets[key]
	if !known {
		line = key
		line.Comm = a.Comm
	}
	line.Count += a.Count
	line.Errors += a.Errors
	line.Times = line.Times.join(z.times(a.Tally))
	t.sockets[key] = line
}

// runningCommand returns the program and arguments of a process, with the path in its
// own mount namespace.
func runningCommand(pid uint32) (path string, args []byte, err error) {
	dir := fmt.Sprintf("/proc/%d", pid)
	if path, err = os.Readlink(dir + "/exe"); err != nil {
		return "", nil, err
	}
	file, err := os.Open(dir + "/cmdline")
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	args, err = io.ReadAll(io.LimitReader(file, maxArgBytes))
	return path, args, err
}
