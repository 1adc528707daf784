// Package learner turns the kernel's records of one workload's container into a
// profile.
//
// A Learner belongs to one goroutine. It does no I/O, and its memory is bounded, no
// matter what the container does: it counts the acts that it cannot keep, and its
// profile then says that it is partial.
package learner

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/support"
	"bobwatch/internal/syscalls"
)

// Options of a Learner.
type Options struct {
	// Arch is the architecture of the machine, a GOARCH name.
	Arch string
	// Window is the observed time after which the workload counts as learned.
	Window time.Duration
	// Thresholds decide what Container generalises. A Learner keeps more
	// detail than they ask for, as far as its memory allows.
	Thresholds generalise.Thresholds
	// Boot is the wall-clock time of an event at 0 ns since boot.
	Boot time.Time
	// Runtime learns the acts of the container runtime in the container in place of
	// the acts of the workload.
	Runtime bool
}

// The bounds of one Learner's memory.
const (
	// maxSegments bounds the distinct path segments of opens and changes: about 4 MiB.
	maxSegments = 16_384
	// maxPathBytes is PATH_MAX, with room for where the path begins.
	maxPathBytes = 4096 + 16
	// maxFresh bounds the facts that wait for Take, maxTold those it returned
	// since it returned everything.
	maxFresh = 4_096
	maxTold  = 4 * maxSegments
	// looseness is how many times later than asked for opens are collapsed
	// while they are learned, so that the profile depends on what was seen and
	// hardly on the order it came in.
	looseness = 4
)

// Counts counts the acts that a Learner saw and left out of the profile. It leaves all
// of them out on purpose, except for Full and Unwritable.
type Counts struct {
	Runtime     uint64 // acts of the container runtime
	Interactive uint64 // acts of somebody at a terminal who entered from outside
	Foreign     uint64 // system calls of the x32 ABI, or without a name
	Nameless    uint64 // opens of pipes, sockets and other files without a path
	Full        uint64 // facts beyond the bounds of memory
	Unwritable  uint64 // facts that a document cannot express
}

// Learner learns one container of one workload, over all its instances.
type Learner struct {
	key     string
	opts    Options
	window  // embedded for the methods about instances and time
	learned // embedded for the methods about what was learned
	backlog backlog
}

// learned holds the learned facts.
type learned struct {
	counts   Counts
	native   syscalls.Set
	compat   syscalls.Set
	opens    *generalise.PathSet
	changes  *generalise.PathSet // its flags are acts
	programs programs
	contacts contacts
	// directories are those that other learners found; this one's own are in Container.
	directories []profile.Directory
}

// New returns a Learner of the workload container key that knows nothing.
func New(key string, opts Options) *Learner {
	return &Learner{
		key:    key,
		opts:   opts,
		window: window{state: State{Network: !opts.Runtime, Changes: !opts.Runtime}, length: opts.Window},
		learned: learned{
			opens:    generalise.NewPathSet(opts.Thresholds.Scale(looseness)),
			changes:  generalise.NewPathSet(opts.Thresholds.Scale(looseness)),
			programs: newPrograms(opts.Thresholds),
			contacts: newContacts(),
		},
	}
}

// Key returns the workload container's name, as New was given it.
func (l *Learner) Key() string { return l.key }

// LastNews returns when something new was learned last; zero if that was before
// the Learner was made.
func (l *Learner) LastNews() time.Time { return l.backlog.lastNews }

// Size returns how many system calls, commands and paths were learned.
func (l *learned) Size() (calls, execs, opens int) {
	for _, c := range l.programs.byPath {
		execs += len(c.argvs)
	}
	return l.native.Len() + l.compat.Len(), execs, l.opens.Paths()
}

// Counts returns the counts of acts left out so far.
func (l *learned) Counts() Counts { return l.counts }

// Observe learns from e, and reports whether e was new. It keeps no reference to e, and
// allocates only for a new act.
func (l *Learner) Observe(e *event.Event) bool {
	switch {
	case e.Has(event.FlagRuntime) != l.opts.Runtime:
		l.counts.Runtime++
		return false
	case e.Origin == event.OriginOutside && e.Has(event.FlagTTY):
		l.counts.Interactive++
		return false
	}
	switch e.Kind {
	case event.KindSyscall:
		return l.observeSyscall(e)
	case event.KindExec:
		return l.observeExec(e)
	case event.KindOpen:
		return l.observeOpen(e)
	case event.KindChange:
		return l.observeChange(e)
	case event.KindConnection:
		return l.observeContact(e)
	case event.KindSocket:
		return l.observeSocket(e)
	}
	return false
}

func (l *Learner) observeSyscall(e *event.Event) bool {
	set, arch, kind := &l.native, l.opts.Arch, FactSyscall
	switch e.ABI {
	case event.ABINative:
	case event.ABICompat:
		set, arch, kind = &l.compat, syscalls.Compat(l.opts.Arch), FactCompatSyscall
	default:
		l.counts.Foreign++
		return false
	}
	if set.Has(e.Nr) {
		return false
	}
	if _, named := syscalls.Name(arch, e.Nr); !named {
		l.counts.Foreign++
		return false
	}
	set.Add(e.Nr)
	l.tell(e, Fact{Kind: kind, Nr: e.Nr})
	return true
}

func (l *Learner) observeExec(e *event.Event) bool {
	added, path, args, err := l.programs.observe(e.Path, e.Args, e.Has(event.FlagArgsTruncated))
	switch {
	case errors.Is(err, errFull):
		l.counts.Full++
	case errors.Is(err, errUnwritable):
		l.counts.Unwritable++
	}
	if added {
		l.tell(e, Fact{Kind: FactExec, Path: path, Args: args})
	}
	return added
}

// observeOpen learns an open, refused or not: a program that probes a file it
// may not read does so every time.
func (l *Learner) observeOpen(e *event.Event) bool {
	if e.Has(event.FlagMemfd) || !bytes.Contains(e.Path, slash) {
		l.counts.Nameless++
		return false
	}
	if len(e.Path) > maxPathBytes {
		l.counts.Unwritable++
		return false
	}
	access := l.accessOf(e)
	flags := flagsOf(access)
	if l.knowsOpen(e.Path, flags) {
		return false
	}
	if l.pathsFull() {
		l.counts.Full++
		return false
	}
	pattern, added, ok := l.opens.Observe(string(e.Path), flags)
	if !ok {
		l.counts.Unwritable++
	}
	if added {
		l.tell(e, Fact{Kind: FactOpen, Path: pattern, Access: access})
	}
	return added
}

var slash = []byte("/")

var accessFlags = [...][]string{
	0:                                    {"O_PATH"},
	event.AccessRead:                     {"O_RDONLY"},
	event.AccessWrite:                    {"O_WRONLY"},
	event.AccessRead | event.AccessWrite: {"O_RDWR"},
}

// Bits of an access that only facts have, in the order of factFlags.
const (
	created  event.Access = 1 << (2 + iota) // the open made the file
	ofImage                                 // the file is one of the image that nobody wrote
	notImage                                // a file that was of the image had been written
)

// factFlags are the flags of opens that stand for these bits.
var factFlags = [...]string{generalise.FlagCreated, generalise.FlagImage, generalise.FlagWritten}

// flagsOf returns the flag that a profile writes for access, and then those for what
// else is known of the file.
func flagsOf(access event.Access) []string {
	flags := accessFlags[access&(event.AccessRead|event.AccessWrite)]
	for i, flag := range factFlags {
		if access&(created<<i) != 0 {
			flags = append(slices.Clip(flags), flag)
		}
	}
	return flags
}

// accessOf returns the access that is learned with the path of an open.
func (l *Learner) accessOf(e *event.Event) event.Access {
	access := e.Access & (event.AccessRead | event.AccessWrite)
	switch {
	case e.Has(event.FlagRefused):
	case e.Has(event.FlagCreated):
		access |= created
	case e.Has(event.FlagLowerLayer) && !e.Has(event.FlagMount) && !e.Has(event.FlagOutside):
		access |= ofImage
	}
	if access&ofImage == 0 && l.opens.Contains(e.Path, generalise.FlagImage) {
		access |= notImage
	}
	return access
}

func (l *Learner) knowsOpen(path []byte, flags []string) bool {
	for _, flag := range flags {
		if !l.opens.Contains(path, flag) {
			return false
		}
	}
	return true
}

// Known are the acts that the kernel need not send any more.
type Known struct {
	Syscalls, CompatSyscalls syscalls.Set
}

// Known returns the system calls learned so far.
func (l *learned) Known() Known {
	return Known{Syscalls: l.native, CompatSyscalls: l.compat}
}

// Container returns the learned facts, generalised and normalised. The caller fills in
// name, type and images.
func (l *Learner) Container() profile.Container {
	c := profile.Container{
		Syscalls: make(map[string][]string),
		Execs:    l.programs.execs(),
		Opens:    l.opens.Opens(),

		Directories: l.directories,
	}
	if l.state.Network {
		c.Network = l.contacts.network()
	}
	if l.state.Changes {
		c.Changes = generalise.ChangesOf(l.changes.Opens())
	}
	addNames(c.Syscalls, l.opts.Arch, l.native)
	addNames(c.Syscalls, syscalls.Compat(l.opts.Arch), l.compat)
	c.Support = observedSupport(&c)
	return generalise.Container(c, l.opts.Thresholds)
}

// observedSupport returns the support sets that belong to the observed acts.
func observedSupport(c *profile.Container) []string {
	var calls, opens []string
	for _, names := range c.Syscalls {
		calls = append(calls, names...)
	}
	for _, open := range c.Opens {
		opens = append(opens, open.Path)
	}
	return support.Observed(calls, opens)
}

// Senses returns the sections that Container speaks for, sorted.
func (w *window) Senses() []profile.Sense {
	senses := profile.DefaultSenses
	if w.state.Network {
		senses = profile.JoinSenses(senses, []profile.Sense{profile.SenseNetwork})
	}
	if w.state.Changes {
		senses = profile.JoinSenses(senses, []profile.Sense{profile.SenseChanges})
	}
	return senses
}

func addNames(names map[string][]string, arch string, set syscalls.Set) {
	for nr := range set.All() {
		if name, ok := syscalls.Name(arch, nr); ok {
			names[arch] = append(names[arch], name)
		}
	}
}
