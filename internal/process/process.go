// Package process remembers the command of each process, so that an alert can name the
// program and arguments of a process and of its ancestors, even if these are gone by
// then.
//
// The invariant: a process is known by pid and start time together, and a
// command is claimed only for the time in which the process ran it. If that time is
// unknown, nothing is claimed.
package process

import (
	"bytes"
	"container/list"
	"slices"
	"sync/atomic"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/redact"
)

const (
	// maxArgs is how many bytes of an argument vector are kept.
	maxArgs = 4096
	// maxPath is how many bytes of a program's path are kept, PATH_MAX.
	maxPath = 4096
	// maxCommands is how many commands of one process are kept. A process
	// usually executes once; a wrapper script's exec makes it two or three.
	maxCommands = 4
	// maxProbes is how many of the oldest processes are asked whether they
	// still live before one is forgotten.
	maxProbes = 8
	// entryBytes is the approximate size of an entry without its strings.
	entryBytes = 256
)

// tick is the resolution of start times in /proc: USER_HZ is 100 on every
// architecture Linux has shown to user space since 2.6. Start times are
// compared at it, because a process found in /proc has no finer one.
const tick = 10 * time.Millisecond

// Command is a program as it was executed. The strings are hostile bytes.
type Command struct {
	Exe           string // resolved path in the container's mount namespace; "" is unknown
	Args          string // NUL-separated, at most 4 KiB
	ArgsTruncated bool
	// File holds flags about the executed file: event.FlagMemfd,
	// FlagUpperLayer, FlagDeleted and FlagOutside.
	File event.Flag
	// Inherited says that the process never executed anything itself: the
	// command is its parent's at the time of the fork.
	Inherited bool

	comm [16]byte
	time uint64 // ns since boot
}

// Options bounds a Table.
type Options struct {
	MaxProcesses int
	MaxBytes     int // of paths and arguments together
	// Redact replaces credentials in the arguments that /proc shows. nil knows
	// the built-in ones.
	Redact *redact.Redactor
}

// DefaultOptions suits a node with some hundred containers.
func DefaultOptions() Options {
	return Options{MaxProcesses: 8192, MaxBytes: 4 << 20}
}

// key names a process for as long as the kernel runs.
type key struct {
	pid   uint32
	ticks uint64
}

func keyOf(p *event.Process) key {
	return key{pid: p.PID, ticks: p.Start / uint64(tick)}
}

// entry is one process. commands are in the order of their execution and
// never empty.
type entry struct {
	key      key
	commands []Command
	bytes    int
}

// Table holds the commands of processes. It is used by one goroutine; Len and
// Evicted may be read by any.
type Table struct {
	opts    Options
	entries map[key]*list.Element // of *entry
	order   *list.List            // last seen alive first
	bytes   int

	length  atomic.Int64
	evicted atomic.Uint64
}

// New returns an empty table.
func New(opts Options) *Table {
	return &Table{opts: opts, entries: make(map[key]*list.Element), order: list.New()}
}

// Len is the number of processes known.
func (t *Table) Len() int { return int(t.length.Load()) }

// Evicted counts processes that were forgotten although they lived.
func (t *Table) Evicted() uint64 { return t.evicted.Load() }

// Add remembers the command of an event of KindExec; others are ignored.
func (t *Table) Add(e *event.Event) {
	if e.Kind != event.KindExec {
		return
	}
	for i := range e.NAncestors {
		t.touch(keyOf(&e.Ancestors[i]))
	}
	args, cut := bound(e.Args, maxArgs)
	path, _ := bound(e.Path, maxPath)
	t.insert(keyOf(&e.Process), Command{
		Exe:           string(path),
		Args:          string(bytes.TrimSuffix(args, []byte{0})),
		ArgsTruncated: cut || e.Has(event.FlagArgsTruncated),
		File:          e.Flags & (event.FlagMemfd | event.FlagUpperLayer | event.FlagDeleted | event.FlagOutside),
		comm:          e.Process.Comm,
		time:          e.Time,
	})
}

func bound(b []byte, limit int) ([]byte, bool) {
	if len(b) > limit {
		return b[:limit], true
	}
	return b, false
}

// touch notes that a process lives: the parent of an execution does.
func (t *Table) touch(k key) {
	if element, ok := t.entries[k]; ok {
		t.order.MoveToFront(element)
	}
}

func (t *Table) insert(k key, command Command) {
	element, ok := t.entries[k]
	if !ok {
		element = t.order.PushFront(&entry{key: k})
		t.entries[k] = element
	}
	t.order.MoveToFront(element)
	e := element.Value.(*entry)
	if len(e.commands) == maxCommands {
		e.commands = append(e.commands[:0], e.commands[1:]...)
	}
	e.commands = append(e.commands, command)

	t.bytes -= e.bytes
	e.bytes = entryBytes
	for i := range e.commands {
		e.bytes += len(e.commands[i].Exe) + len(e.commands[i].Args)
	}
	t.bytes += e.bytes

	for len(t.entries) > t.opts.MaxProcesses || t.bytes > t.opts.MaxBytes {
		t.evict()
	}
	t.length.Store(int64(len(t.entries)))
}

// evict forgets one process: the oldest of those that no longer live, else the
// oldest. There is no record of exits, so this is where the dead are found.
func (t *Table) evict() {
	for range min(maxProbes, t.order.Len()) {
		oldest := t.order.Back()
		if !alive(oldest.Value.(*entry).key.pid) {
			t.forget(oldest)
			return
		}
		t.order.MoveToFront(oldest)
	}
	t.evicted.Add(1)
	t.forget(t.order.Back())
}

func (t *Table) forget(element *list.Element) {
	e := t.order.Remove(element).(*entry)
	delete(t.entries, e.key)
	t.bytes -= e.bytes
}

// Chain holds the commands of a process and its ancestors: the process first, then as
// in event.Event.Ancestors.
type Chain [1 + event.MaxAncestors]Command

// Resolve names the commands of the event's process and of its ancestors as
// they were at the time of the event. Unknown commands stay zero. Resolve adds an event
// of KindExec first.
func (t *Table) Resolve(e *event.Event, chain *Chain) {
	for i := range 1 + e.NAncestors {
		chain[i] = t.command(e, i)
	}
}

// command resolves the i-th process of the event's chain. One that never
// executed runs what its parent ran when it was forked.
func (t *Table) command(e *event.Event, i int) Command {
	p := nth(e, i)
	if element, ok := t.entries[keyOf(p)]; ok {
		c, _ := element.Value.(*entry).at(e.Time)
		return c
	}
	for ; i < e.NAncestors; i++ {
		forked, parent := nth(e, i).Start, nth(e, i+1)
		element, ok := t.entries[keyOf(parent)]
		if !ok {
			continue
		}
		c, ok := element.Value.(*entry).at(forked)
		// A fork keeps comm. Where it differs the process renamed itself, or
		// was orphaned and adopted by a parent that it was not forked from.
		if !ok || (p.Comm != c.comm && p.Comm != parent.Comm) {
			return Command{}
		}
		c.Inherited = true
		return c
	}
	return Command{}
}

// ImageProgram is the path of the program that the event's process runs; "" if it is
// not known or the file is not one of the image.
func (t *Table) ImageProgram(e *event.Event) string {
	c := t.command(e, 0)
	// Executions of the known are not told; comm tells of one since.
	if c.File != 0 || c.comm != e.Process.Comm {
		return ""
	}
	return c.Exe
}

func nth(e *event.Event, i int) *event.Process {
	if i == 0 {
		return &e.Process
	}
	return &e.Ancestors[i-1]
}

// at returns the command that the process ran at a time, in ns since boot.
func (e *entry) at(time uint64) (Command, bool) {
	for _, command := range slices.Backward(e.commands) {
		if command.time <= time {
			return command, true
		}
	}
	return Command{}, false
}
