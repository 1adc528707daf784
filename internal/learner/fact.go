package learner

import (
	"slices"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/syscalls"
)

// FactKind is the kind of act that a Fact is about.
type FactKind uint8

// The kinds of facts. They are written to disk: never renumber.
const (
	FactSyscall       FactKind = 1
	FactCompatSyscall FactKind = 2
	FactExec          FactKind = 3
	FactOpen          FactKind = 4
	FactContact       FactKind = 5 // a peer or a port, as contact.String has it
	FactSocket        FactKind = 6 // a family of sockets, as event.Socket.String has it
	FactUnix          FactKind = 7 // a socket of the node's services
	FactChange        FactKind = 8 // a change of a file or a name
	FactDirectory     FactKind = 9 // a directory that another learner found, as directoryText has it
)

// Fact is one thing a Learner learned, in the form in which the profile has it
// before it is generalised.
type Fact struct {
	Kind   FactKind
	Access event.Access    // FactOpen
	Act    event.ChangeAct // FactChange
	Nr     uint32          // FactSyscall, FactCompatSyscall
	Path   string          // all other kinds
	Args   []string        // FactExec
	Seen
}

// Seen says when and how often an act was reported. The kernel sends a known act only
// once, so Count does not measure how often it happened.
type Seen struct {
	First, Last time.Time
	Count       uint64
}

// merge returns the union of both.
func (s Seen) merge(other Seen) Seen {
	if s.First.IsZero() || other.First.Before(s.First) {
		s.First = other.First
	}
	if other.Last.After(s.Last) {
		s.Last = other.Last
	}
	s.Count += other.Count
	return s
}

// backlog holds the facts that wait for Take.
type backlog struct {
	fresh    []Fact // since the last Take
	told     int    // how many were added to fresh since Take returned everything
	resend   bool   // the next Take returns everything
	lastNews time.Time
}

// keep adds a fact.
func (b *backlog) keep(f Fact) {
	b.lastNews = f.Last
	if b.told++; b.told > maxTold || len(b.fresh) >= maxFresh {
		b.fresh, b.resend = nil, true
	}
	if !b.resend {
		b.fresh = append(b.fresh, f)
	}
}

// tell adds a fact that e showed for Take.
func (l *Learner) tell(e *event.Event, f Fact) {
	at := l.opts.Boot.Add(time.Duration(e.Time))
	f.Seen = Seen{First: at, Last: at, Count: 1 + uint64(e.Repeats)}
	l.backlog.keep(f)
}

// Take returns the facts learned since the last call. If all is true, they are all facts,
// and replace the facts taken before: so many became patterns that all are fewer.
func (l *Learner) Take(now time.Time) (facts []Fact, all bool) {
	b := &l.backlog
	facts, all = b.fresh, b.resend
	if all {
		facts, b.told = l.Facts(now), 0
	}
	b.fresh, b.resend = nil, false
	return facts, all
}

// Facts returns all that was learned, as seen at now.
func (l *learned) Facts(now time.Time) []Fact {
	seen := Seen{First: now, Last: now}
	var facts []Fact
	for nr := range l.native.All() {
		facts = append(facts, Fact{Kind: FactSyscall, Nr: nr, Seen: seen})
	}
	for nr := range l.compat.All() {
		facts = append(facts, Fact{Kind: FactCompatSyscall, Nr: nr, Seen: seen})
	}
	for _, e := range l.programs.execs() {
		facts = append(facts, Fact{Kind: FactExec, Path: e.Path, Args: e.Args, Seen: seen})
	}
	for _, o := range l.opens.Opens() {
		for _, access := range accessesOf(o.Flags) {
			facts = append(facts, Fact{Kind: FactOpen, Path: o.Path, Access: access, Seen: seen})
		}
	}
	for _, o := range l.changes.Opens() {
		for _, name := range o.Flags {
			if act, ok := event.ParseChangeAct(name); ok {
				facts = append(facts, Fact{Kind: FactChange, Path: o.Path, Act: act, Seen: seen})
			}
		}
	}
	for _, d := range l.directories {
		facts = append(facts, Fact{Kind: FactDirectory, Path: directoryText(d), Seen: seen})
	}
	return append(facts, l.contacts.facts(seen)...)
}

// accessesOf returns an access for each flag of an open: all if no flag names
// one.
func accessesOf(flags []string) []event.Access {
	var made event.Access
	for i, flag := range factFlags {
		if slices.Contains(flags, flag) {
			made |= created << i
		}
	}
	var accesses []event.Access
	for access, flag := range accessFlags {
		if slices.Contains(flags, flag[0]) || !slices.ContainsFunc(flags, profile.IsAccessFlag) {
			accesses = append(accesses, event.Access(access)|made)
		}
	}
	return accesses
}

// Restore makes a new Learner go on where another stopped. Facts that exceed
// the bounds of memory are left out and counted.
func (l *Learner) Restore(state State, facts []Fact) {
	l.state = state
	for i := range facts {
		l.restore(&facts[i])
	}
}

// restore adds a fact as it was written down, and reports whether it was new.
func (l *learned) restore(f *Fact) (added bool) {
	switch f.Kind {
	case FactSyscall:
		return addNr(&l.native, f.Nr)
	case FactCompatSyscall:
		return addNr(&l.compat, f.Nr)
	case FactExec:
		if l.programs.covers(f.Path, f.Args) {
			return false
		}
		added = l.programs.add(f.Path, f.Args)
		if !added {
			l.counts.Full++
		}
	case FactOpen:
		if l.pathsFull() {
			l.counts.Full++
			return false
		}
		_, added, _ = l.opens.Add(f.Path, flagsOf(f.Access))
	case FactChange:
		if l.pathsFull() {
			l.counts.Full++
			return false
		}
		_, added, _ = l.changes.Add(f.Path, []string{f.Act.String()})
	case FactDirectory:
		return l.restoreDirectory(f.Path)
	case FactContact, FactSocket, FactUnix:
		return l.restoreContact(f)
	}
	return added
}

func addNr(set *syscalls.Set, nr uint32) (added bool) {
	added = !set.Has(nr)
	set.Add(nr)
	return added
}
