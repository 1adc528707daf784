// Package match judges acts by documents: a Matcher is the compiled form of their
// containers. Asking it takes no lock and does not allocate.
package match

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/profile"
	"bobwatch/internal/redact"
	"bobwatch/internal/syscalls"
)

// Options say how a Matcher reads the entries of documents.
type Options struct {
	// Arch is the GOARCH name of the node.
	Arch string
	// Strict allows the calls that are listed: no other member of their families,
	// and no call of a support set.
	Strict bool
	// Senses are the sections that the documents speak for together; none stands
	// for profile.DefaultSenses. Acts of other sections are all allowed.
	Senses []profile.Sense
	// MergedUsr takes /bin and /usr/bin, /sbin and /usr/sbin, and so on with
	// lib, lib32, lib64 and libx32, for one place, in documents and in events.
	MergedUsr bool
}

// Verdict is the result of matching an act.
type Verdict uint8

// The verdicts.
const (
	Allowed       Verdict = iota
	PathUnknown           // no entry has the path
	DetailUnknown         // entries have the path, but not the arguments or the access
)

// Matcher is the compiled form of the entries of some containers. It is immutable
// and safe for concurrent use, and its methods do not allocate.
type Matcher struct {
	senses         []profile.Sense
	native, compat syscalls.Set
	execPaths      *glob.Paths
	execs          []execLeaf // by leaf of execPaths
	openPaths      *glob.Paths
	opens          []event.Access // by leaf of openPaths
	changePaths    *glob.Paths
	changes        []profile.Acts // by leaf of changePaths
	support        *glob.Paths    // files for reading that were not written in the container
	directories    directories
	network        network
}

// execLeaf are the arguments with which one path may be executed.
type execLeaf struct {
	any      bool
	literal  map[string]struct{} // NUL-separated
	patterns []glob.Args
}

// Compile joins the entries of the containers, and ignores their names, types and
// images. A list of system calls holds for its architecture only, and
// names that the architecture does not have allow nothing.
func Compile(containers []profile.Container, opts Options) (*Matcher, error) {
	if !syscalls.Supported(opts.Arch) {
		return nil, fmt.Errorf("compile profile: no system call table for architecture %q", opts.Arch)
	}
	m := &Matcher{senses: opts.Senses}
	if len(m.senses) == 0 {
		m.senses = profile.DefaultSenses
	}
	execPaths := glob.PathsBuilder{MergedUsr: opts.MergedUsr}
	openPaths := glob.PathsBuilder{MergedUsr: opts.MergedUsr}
	changePaths := glob.PathsBuilder{MergedUsr: opts.MergedUsr}
	support := glob.PathsBuilder{MergedUsr: opts.MergedUsr}
	compat := syscalls.Compat(opts.Arch)
	var whole directoriesBuilder
	whole.paths.MergedUsr, whole.themselves.MergedUsr = opts.MergedUsr, opts.MergedUsr
	for i := range containers {
		c := &containers[i]
		whole.add(c.Directories)
		addCalls(&m.native, opts.Arch, c.Syscalls[opts.Arch], opts.Strict)
		addCalls(&m.compat, compat, c.Syscalls[compat], opts.Strict)
		if !opts.Strict {
			addCalls(&m.native, opts.Arch, c.SupportCalls(opts.Arch), false)
			addCalls(&m.compat, compat, c.SupportCalls(compat), false)
		}
		for _, open := range c.SupportOpens() {
			support.Add(open.Path)
		}
		for _, exec := range c.Execs {
			if leaf, ok := execPaths.Add(exec.Path); ok {
				m.addExec(leaf, exec)
			}
		}
		m.network.add(&c.Network)
		for _, open := range c.Opens {
			if leaf, ok := openPaths.Add(open.Path); ok {
				m.addOpen(leaf, open)
			}
		}
		for _, change := range c.Changes {
			if leaf, ok := changePaths.Add(change.Path); ok {
				m.addChange(leaf, change)
			}
		}
	}
	if !m.Judges(profile.SenseSyscalls) {
		m.native, m.compat = everyCall(), everyCall()
	}
	m.execPaths, m.openPaths, m.support = execPaths.Build(), openPaths.Build(), support.Build()
	m.changePaths = changePaths.Build()
	m.directories = whole.build()
	return m, nil
}

func addCalls(set *syscalls.Set, arch string, names []string, strict bool) {
	for _, name := range names {
		members := []string{name}
		if !strict {
			members = syscalls.Members(syscalls.Family(name))
		}
		for _, member := range members {
			if nr, ok := syscalls.Number(arch, member); ok {
				set.Add(nr)
			}
		}
	}
}

func (m *Matcher) addExec(leaf uint32, exec profile.Exec) {
	if int(leaf) == len(m.execs) {
		m.execs = append(m.execs, execLeaf{})
	}
	l := &m.execs[leaf]
	exec.Args = redacted(exec.Args)
	pattern := glob.CompileArgs(exec.Args)
	literal, ok := pattern.Literal()
	switch {
	case len(exec.Args) == 0 && !exec.ArgsRequired:
		l.any = true
	case ok:
		if l.literal == nil {
			l.literal = make(map[string]struct{})
		}
		l.literal[literal] = struct{}{}
	default:
		l.patterns = append(l.patterns, pattern)
	}
}

// redacted returns arguments as they are when a program is executed with them:
// without credentials, which no event carries.
func redacted(args []string) []string {
	var known redact.Redactor
	clean, found := known.Args(nil, []byte(strings.Join(args, "\x00")))
	if !found {
		return args
	}
	return strings.Split(string(clean), "\x00")
}

func (m *Matcher) addOpen(leaf uint32, open profile.Open) {
	if int(leaf) == len(m.opens) {
		m.opens = append(m.opens, 0)
	}
	m.opens[leaf] |= profile.AccessOf(open.Flags)
}

func everyCall() (set syscalls.Set) {
	for nr := range uint32(syscalls.MaxNr) {
		set.Add(nr)
	}
	return set
}

// Judges reports whether the documents speak for the section s.
func (m *Matcher) Judges(s profile.Sense) bool { return slices.Contains(m.senses, s) }

// Syscalls returns the allowed calls of the node's architecture.
func (m *Matcher) Syscalls() syscalls.Set { return m.native }

// CompatSyscalls returns the allowed 32-bit calls.
func (m *Matcher) CompatSyscalls() syscalls.Set { return m.compat }

// Syscall reports whether the call nr of the node's architecture is allowed.
func (m *Matcher) Syscall(nr uint32) bool { return m.native.Has(nr) }

// CompatSyscall reports whether the 32-bit call nr is allowed.
func (m *Matcher) CompatSyscall(nr uint32) bool { return m.compat.Has(nr) }

var nul = []byte{0}

// Exec judges the execution of path with the given arguments, each but perhaps
// the last ended by a NUL. Any entry that has both allows it.
func (m *Matcher) Exec(path, args []byte) Verdict {
	if !m.Judges(profile.SenseExecs) {
		return Allowed
	}
	args = bytes.TrimSuffix(args, nul)
	verdict := PathUnknown
	m.execPaths.Match(path, func(leaf uint32) bool {
		verdict = DetailUnknown
		if m.execs[leaf].allows(args) {
			verdict = Allowed
		}
		return verdict == Allowed
	})
	return verdict
}

func (l *execLeaf) allows(args []byte) bool {
	if l.any {
		return true
	}
	if _, ok := l.literal[string(args)]; ok {
		return true
	}
	for _, pattern := range l.patterns {
		if pattern.Match(args) {
			return true
		}
	}
	return false
}

// Open judges an open of path, a file that was not written in the container. The accesses
// of all entries with the path are joined; an open that neither reads nor writes is
// allowed if there is one entry.
func (m *Matcher) Open(path []byte, access event.Access) Verdict {
	verdict := m.OpenWritten(path, access)
	if verdict == Allowed || access&event.AccessWrite != 0 {
		return verdict
	}
	m.support.Match(path, func(uint32) bool {
		verdict = Allowed
		return true
	})
	return verdict
}

// OpenWritten judges an open of a file that was written in the container. Entries for
// files of the image do not allow it.
func (m *Matcher) OpenWritten(path []byte, access event.Access) Verdict {
	if !m.Judges(profile.SenseOpens) {
		return Allowed
	}
	known, granted := false, event.Access(0)
	m.openPaths.Match(path, func(leaf uint32) bool {
		known = true
		granted |= m.opens[leaf]
		return granted&access == access
	})
	switch {
	case !known:
		return PathUnknown
	case granted&access != access:
		return DetailUnknown
	}
	return Allowed
}
