package learner

import (
	"bytes"
	"errors"
	"strings"

	"bobwatch/internal/glob"
	"bobwatch/internal/names"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
)

// The bounds of the executions one Learner keeps.
const (
	maxPrograms     = 4_096
	maxCommands     = 512     // of one program
	maxCommandBytes = 4 << 20 // of all programs
	maxArgBytes     = 16 << 10
	// settleAt is how many commands of one program are kept before they are
	// generalised to make room.
	settleAt = 64
)

// Why an execution was not learned.
var (
	errFull       = errors.New("too many commands")
	errUnwritable = errors.New("a document cannot express the command")
)

// programs holds the commands that were run, by the program's path.
type programs struct {
	thresholds generalise.Thresholds
	byPath     map[string]*commands
	bytes      int
}

// commands holds the argument vectors of one program.
type commands struct {
	argvs    map[string][]string // by their NUL-joined form
	settleAt int                 // the number of argvs at which to generalise
}

func newPrograms(t generalise.Thresholds) programs {
	return programs{thresholds: t, byPath: make(map[string]*commands)}
}

// observe adds one execution. args are as the kernel has them, each ended by a
// NUL, though the last one may lack it. added reports whether it
// was new; then name and argv are the form in which it was kept.
func (p *programs) observe(path, args []byte, truncated bool) (added bool, name string, argv []string, err error) {
	if len(args) > maxArgBytes {
		args, truncated = args[:maxArgBytes], true
	}
	if c := p.byPath[string(path)]; c != nil && len(args) > 0 && !truncated {
		if _, known := c.argvs[string(bytes.TrimSuffix(args, nul))]; known {
			return false, "", nil, nil
		}
	}
	argv, ok := generalise.ObservedArgs(string(path), splitArgs(args), truncated)
	if !ok || len(path) > maxPathBytes {
		return false, "", nil, errUnwritable
	}
	name = generalise.Program(names.QuotePath(string(path)))
	if p.covers(name, argv) {
		return false, name, argv, nil
	}
	if !p.add(name, argv) {
		return false, name, argv, errFull
	}
	return true, name, argv, nil
}

var nul = []byte{0}

// splitArgs returns the arguments of a vector.
func splitArgs(args []byte) []string {
	if len(args) == 0 {
		return nil
	}
	return strings.Split(string(bytes.TrimSuffix(args, nul)), "\x00")
}

func (p *programs) covers(path string, argv []string) bool {
	c := p.byPath[path]
	if c == nil {
		return false
	}
	if _, known := c.argvs[joinArgs(argv)]; known {
		return true
	}
	for _, pattern := range c.argvs {
		if glob.CoversArgs(pattern, argv) {
			return true
		}
	}
	return false
}

// add adds a command, and reports whether there was room for it.
func (p *programs) add(path string, argv []string) bool {
	size := len(path) + len(joinArgs(argv))
	if p.bytes+size > maxCommandBytes {
		return false
	}
	c := p.byPath[path]
	if c == nil {
		if len(p.byPath) >= maxPrograms {
			return false
		}
		c = &commands{argvs: make(map[string][]string, 1), settleAt: settleAt}
		p.byPath[path] = c
	}
	if len(c.argvs) >= c.settleAt {
		p.settle(path, c)
	}
	if len(c.argvs) >= maxCommands {
		return false
	}
	c.argvs[joinArgs(argv)] = argv
	p.bytes += size
	return true
}

// settle generalises the commands of one program, and does not try again
// before they have doubled.
func (p *programs) settle(path string, c *commands) {
	all := make([][]string, 0, len(c.argvs))
	for key, argv := range c.argvs {
		all = append(all, argv)
		p.bytes -= len(path) + len(key)
	}
	clear(c.argvs)
	for _, argv := range generalise.Args(path, all, p.thresholds) {
		c.argvs[joinArgs(argv)] = argv
		p.bytes += len(path) + len(joinArgs(argv))
	}
	c.settleAt = max(settleAt, 2*len(c.argvs))
}

// execs returns all commands, in no particular order.
func (p *programs) execs() []profile.Exec {
	var execs []profile.Exec
	for path, c := range p.byPath {
		for _, argv := range c.argvs {
			execs = append(execs, profile.Exec{Path: path, Args: argv, ArgsRequired: len(argv) == 0})
		}
	}
	return execs
}

func joinArgs(argv []string) string { return strings.Join(argv, "\x00") }
