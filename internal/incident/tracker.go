package incident

import (
	"slices"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
)

// Bounds of a Tracker.
const (
	maxIncidents = 512
	// maxForGrade bounds the incidents of one workload container that began
	// with one severity: decoys do not take the place of what is worse.
	maxForGrade     = 16
	maxMembersInAll = 8192
)

// Options says when incidents are sent.
type Options struct {
	// Quiet is how long nothing has happened when an incident is over.
	Quiet time.Duration
	// Settle is how long the first acts are collected before an incident is
	// sent, unless it is critical. Pause is the time between two updates.
	Settle, Pause time.Duration
}

// DefaultOptions suits people.
func DefaultOptions() Options {
	return Options{Quiet: 10 * time.Minute, Settle: 500 * time.Millisecond, Pause: 30 * time.Second}
}

// Tracker keeps the incidents that go on. It is a
// delivery.Correlator, and not safe for concurrent use.
type Tracker struct {
	opts    Options
	byKey   map[string]*incident // by what it began with
	members map[alert.ProcessKey]*incident
	grades  map[place]int

	keeper  *Keeper // nil keeps nothing
	saved   time.Time
	unsaved bool
}

// place is where incidents are counted.
type place struct {
	namespace, kind, name, container string
	grade                            severity.Severity
}

func placeOf(a *alert.Alert) place {
	w := &a.Workload
	return place{w.Namespace, w.Kind, w.Name, a.Container.Name, a.Severity}
}

// New returns a tracker of nothing.
func New(opts Options) *Tracker {
	return &Tracker{
		opts: opts, byKey: make(map[string]*incident),
		members: make(map[alert.ProcessKey]*incident), grades: make(map[place]int),
	}
}

// Add implements delivery.Correlator.
func (t *Tracker) Add(a *alert.Alert, now time.Time) *alert.Alert {
	i := t.find(a)
	if i == nil {
		i = t.open(a)
	}
	a.Incident = i.ID
	fresh := i.add(a, now)
	t.join(i, a)
	t.unsaved = true
	critical := i.Worst >= severity.Critical && (i.Sent.IsZero() || fresh && a.Severity >= severity.Critical)
	worse := i.Worst > i.Told && (!i.Sent.IsZero() || i.Worst >= severity.Critical)
	if critical || worse {
		return t.send(i, now, false)
	}
	return nil
}

// find returns the incident that a is part of: that of its process or of an
// ancestor, or one that began in the same way.
func (t *Tracker) find(a *alert.Alert) *incident {
	for _, key := range a.Lineage {
		if i := t.members[key]; i != nil && i.Root.Container.ID == a.Container.ID {
			return i
		}
	}
	return t.byKey[a.Fingerprint]
}

// open begins an incident. Where there are too many, what comes is counted in
// one for the workload and the severity.
func (t *Tracker) open(a *alert.Alert) *incident {
	p := placeOf(a)
	key := a.Fingerprint
	overflow := t.grades[p] >= maxForGrade || len(t.byKey) >= maxIncidents
	if overflow {
		key = "overflow/" + p.namespace + "/" + p.kind + "/" + p.name + "/" + p.container + "/" + p.grade.String()
		if len(t.byKey) >= 2*maxIncidents {
			key = "overflow/" + p.grade.String() // of all workloads
		}
		if i := t.byKey[key]; i != nil {
			return i
		}
	}
	i := newIncident(a, key)
	i.Overflow = overflow
	t.byKey[key] = i
	if !overflow {
		t.grades[p]++
	}
	return i
}

// youth is how old a process of an allowed program may be to be what an
// incident is about. One that serves for longer does many things that have
// nothing to do with one another.
const youth = time.Minute

// join makes the process of an act a member of the incident, if the process is
// why: it was executed unexpectedly, an ancestor was, or it is young and began
// the incident.
func (t *Tracker) join(i *incident, a *alert.Alert) {
	if len(a.Lineage) == 0 || i.Overflow || len(i.Members) >= maxMembers || len(t.members) >= maxMembersInAll {
		return
	}
	own := a.Lineage[0]
	if t.members[own] != nil {
		return
	}
	descends := slices.ContainsFunc(a.Lineage, func(key alert.ProcessKey) bool { return t.members[key] == i })
	young := len(a.Lineage) > 1 && a.Last.Sub(a.Process.Start) < youth
	if a.Deviation.Exec != nil || descends || young {
		t.members[own] = i
		i.Members = append(i.Members, own)
	}
}

func (t *Tracker) send(i *incident, now time.Time, ended bool) *alert.Alert {
	i.Told, i.Sent, i.Changed = i.Worst, now, time.Time{}
	return i.snapshot(ended)
}

// Due implements delivery.Correlator.
func (t *Tracker) Due(now time.Time, end bool) []*alert.Alert {
	var out []*alert.Alert
	for key, i := range t.byKey {
		wait := t.opts.Pause
		if i.Sent.IsZero() {
			wait = t.opts.Settle
		}
		switch {
		case now.Sub(i.Last) >= t.opts.Quiet:
			out = append(out, t.send(i, now, true))
			t.forget(key, i)
		case !i.Changed.IsZero() && (end || now.Sub(i.Changed) >= wait):
			out = append(out, t.send(i, now, false))
		}
	}
	t.unsaved = t.unsaved || len(out) > 0
	t.save(now, end)
	slices.SortFunc(out, func(a, b *alert.Alert) int { return a.First.Compare(b.First) })
	return out
}

func (t *Tracker) forget(key string, i *incident) {
	delete(t.byKey, key)
	for _, member := range i.Members {
		delete(t.members, member)
	}
	if !i.Overflow {
		p := placeOf(&i.Root)
		if t.grades[p]--; t.grades[p] <= 0 {
			delete(t.grades, p)
		}
	}
}

// Len returns how many incidents go on.
func (t *Tracker) Len() int { return len(t.byKey) }
