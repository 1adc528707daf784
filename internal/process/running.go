package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
)

// AddRunning adds the command of a running process, from /proc. A process that is known
// from its own execution keeps that command. The error wraps fs.ErrNotExist or ESRCH if
// the process is gone.
func (t *Table) AddRunning(pid uint32) error {
	before, err := readStat(pid)
	if err != nil {
		return err
	}
	if _, known := t.entries[before.key(pid)]; known {
		return nil
	}
	command, err := readCommand(pid)
	if err != nil {
		return err
	}
	// The pid may have passed to another process between the reads.
	after, err := readStat(pid)
	if err != nil {
		return err
	}
	if before.ticks != after.ticks {
		return fmt.Errorf("read process %d: %w", pid, unix.ESRCH)
	}
	if args, found := t.opts.Redact.Args(nil, []byte(command.Args)); found {
		command.Args = string(args)
	}
	command.comm = after.comm
	// When it executed is not recorded, only that it was after its start.
	command.time = after.ticks * uint64(tick)
	t.insert(after.key(pid), command)
	return nil
}

// stat holds the needed fields of /proc/PID/stat.
type stat struct {
	comm  [16]byte
	ticks uint64 // start time since boot, in ticks
}

func (s stat) key(pid uint32) key { return key{pid: pid, ticks: s.ticks} }

func readStat(pid uint32) (stat, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, fmt.Errorf("read process: %w", err)
	}
	s, err := parseStat(raw)
	if err != nil {
		return stat{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	return s, nil
}

var errStat = errors.New("malformed stat")

// parseStat parses a line as proc_pid_stat(5) describes it. The process chose
// the comm between the parentheses, which may itself hold parentheses.
func parseStat(raw []byte) (stat, error) {
	const startTime = 22 - 3 // index of field 22 behind the comm, field 3 being the first
	opening, closing := bytes.IndexByte(raw, '('), bytes.LastIndexByte(raw, ')')
	if opening < 0 || closing < opening {
		return stat{}, errStat
	}
	fields := bytes.Fields(raw[closing+1:])
	if len(fields) <= startTime {
		return stat{}, errStat
	}
	ticks, err := strconv.ParseUint(string(fields[startTime]), 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("%w: start time: %w", errStat, err)
	}
	s := stat{ticks: ticks}
	copy(s.comm[:len(s.comm)-1], raw[opening+1:closing])
	return s, nil
}

// readCommand reads the program and arguments. The process can overwrite the
// latter in its own memory.
func readCommand(pid uint32) (Command, error) {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return Command{}, fmt.Errorf("read process: %w", err)
	}
	file, err := os.Open(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return Command{}, fmt.Errorf("read process: %w", err)
	}
	defer file.Close()
	args, err := io.ReadAll(io.LimitReader(file, maxArgs+1))
	if err != nil {
		return Command{}, fmt.Errorf("read process: %w", err)
	}
	kept, cut := bound(args, maxArgs)
	command := Command{Args: string(bytes.TrimSuffix(kept, []byte{0})), ArgsTruncated: cut}
	command.Exe, command.File = linkTarget(exe)
	return command, nil
}

// linkTarget takes apart what /proc/PID/exe shows: a name that is gone has
// " (deleted)" behind it, and a memfd never had one. Paths are as in
// event.Event.
func linkTarget(link string) (string, event.Flag) {
	path, deleted := strings.CutSuffix(link, " (deleted)")
	switch {
	case deleted && strings.HasPrefix(path, "/memfd:"):
		return path[1:], event.FlagMemfd
	case deleted:
		return path, event.FlagDeleted
	}
	return path, 0
}

// alive reports whether a process has this pid now.
func alive(pid uint32) bool {
	if pid == 0 || pid > math.MaxInt32 {
		return false
	}
	return !errors.Is(unix.Kill(int(pid), 0), unix.ESRCH)
}
