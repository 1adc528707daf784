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
	// with one severity: decoys do not take the place of worse incidents.
	maxForGrade     = 16
	maxMembersInAll = 8192
	// maxLinksInAll bounds the processes that are part of an incident for a
	// while.
	maxLinksInAll = 8192
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
	links   map[alert.ProcessKey]*incident // for linger
	peers   map[peer]*incident
	grades  map[place]int
	tally   tally

	history *History // nil keeps nothing
	saved   time.Time
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
		members: make(map[alert.ProcessKey]*incident), links: make(map[alert.ProcessKey]*incident),
		peers:  make(map[peer]*incident),
		grades: make(map[place]int),
	}
}

// Resume returns a tracker that goes on where the last one with this history
// stopped, and keeps its stories in it. An error names the part that could not be read;
// the tracker is usable in any case. It closes the history.
func Resume(h *History, opts Options) (*Tracker, error) {
	t := New(opts)
	t.history = h
	kept, err := h.restored()
	for _, k := range kept[:min(len(kept), 2*maxIncidents)] {
		t.restore(k)
	}
	return t, err
}

func (t *Tracker) restore(k keptIncident) {
	i := k.Incident
	if i == nil || i.ID == "" || t.byKey[k.Key] != nil || i.Worst > severity.Critical {
		return
	}
	i.Lines = i.Lines[:min(len(i.Lines), maxTimeline)]
	i.Members = i.Members[:min(len(i.Members), maxMembers)]
	t.byKey[k.Key] = i
	for _, member := range i.Members {
		t.members[member] = i
	}
	t.tally.open[i.Worst].Add(1)
	if !i.Overflow {
		t.grades[placeOf(&i.Root)]++
	}
}

// Add implements delivery.Correlator.
func (t *Tracker) Add(a *alert.Alert, now time.Time) *alert.Alert {
	i := t.find(a)
	if i == nil {
		i = t.open(a)
	}
	a.Incident = i.ID
	worst := i.Worst
	fresh := i.add(a, now)
	t.tally.open[worst].Add(-1)
	t.tally.open[i.Worst].Add(1)
	t.join(i, a)
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
	for _, key := range a.Lineage {
		if i := t.links[key]; i != nil && i.Root.Container.ID == a.Container.ID && a.Last.Sub(i.Last) <= linger {
			return i
		}
	}
	if key, ok := peerOf(a); ok && a.Process.PID == 0 && t.peers[key] != nil {
		return t.peers[key]
	}
	return t.byKey[a.Fingerprint]
}

// open begins an incident. If there are too many, further acts are counted in one
// incident for the workload and the severity.
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
	t.tally.begun.Add(1)
	t.tally.open[i.Worst].Add(1)
	if !overflow {
		t.grades[p]++
	}
	return i
}

const (
	// linger is how long after the last act of an incident a process of the
	// workload itself, or what it starts, is still part of it. A process that
	// serves for longer does many things that have nothing to do with one
	// another.
	linger = 10 * time.Second
	// youth is the maximal age of the root process of an incident: a process that
	// was started for a purpose, and whose children do parts of it.
	youth = time.Minute
)

// join makes the process of an act part of the incident: for as long as that
// lasts if it was executed unexpectedly, or an ancestor was; for linger if it
// belongs to the workload.
func (t *Tracker) join(i *incident, a *alert.Alert) {
	t.meet(i, a)
	if len(a.Lineage) == 0 || a.Lineage[0].PID == 0 {
		return
	}
	own := a.Lineage[0]
	descends := slices.ContainsFunc(a.Lineage, func(key alert.ProcessKey) bool { return t.members[key] == i })
	if a.Deviation.Exec != nil || descends {
		t.enlist(i, own)
	} else {
		t.link(i, own)
	}
	if !descends {
		t.link(i, root(a))
	}
}

func (t *Tracker) enlist(i *incident, key alert.ProcessKey) {
	if t.members[key] == nil && len(i.Members) < maxMembers && len(t.members) < maxMembersInAll {
		t.members[key] = i
		i.Members = append(i.Members, key)
	}
}

// link takes a process from an incident that was quiet for linger. Where there
// are too many, the one that was linked first goes.
func (t *Tracker) link(i *incident, key alert.ProcessKey) {
	if t.links[key] == i || t.links[key] == nil && len(t.links) >= maxLinksInAll {
		return
	}
	if len(i.links) >= maxLinks {
		t.unlink(i, i.links[0])
		i.links = i.links[1:]
	}
	t.links[key] = i
	i.links = append(i.links, key)
}

func (t *Tracker) unlink(i *incident, keys ...alert.ProcessKey) {
	for _, key := range keys {
		if t.links[key] == i {
			delete(t.links, key)
		}
	}
}

// root returns the oldest young one of the process and its ancestors, except for the
// container's first process. If none is young it returns the process itself.
func root(a *alert.Alert) alert.ProcessKey {
	at := 0
	for k := range min(len(a.Ancestors), len(a.Lineage)-1) {
		first := k+1 == len(a.Ancestors) && a.Origin.Kind == alert.OriginEntrypoint
		if first || a.Last.Sub(a.Ancestors[k].Start) >= youth {
			break
		}
		at = k + 1
	}
	return a.Lineage[at]
}

func (t *Tracker) send(i *incident, now time.Time, ended bool) *alert.Alert {
	i.Told, i.Sent, i.Changed = i.Worst, now, time.Time{}
	story := i.snapshot(ended)
	if t.history != nil {
		t.history.tell(story)
	}
	return story
}

// Due implements delivery.Correlator.
func (t *Tracker) Due(now time.Time, end bool) []*alert.Alert {
	var out []*alert.Alert
	for key, i := range t.byKey {
		if now.Sub(i.Last) > linger {
			t.unlink(i, i.links...)
			i.links = nil
		}
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
	t.save(now, end)
	slices.SortFunc(out, func(a, b *alert.Alert) int { return a.First.Compare(b.First) })
	return out
}

// Unsent implements alert.Correlator.
func (t *Tracker) Unsent(then time.Time) bool {
	for _, i := range t.byKey {
		if i.Sent.IsZero() && !i.Changed.IsZero() && !i.Changed.After(then) {
			return true
		}
	}
	return false
}

func (t *Tracker) forget(key string, i *incident) {
	delete(t.byKey, key)
	for _, member := range i.Members {
		delete(t.members, member)
	}
	t.unlink(i, i.links...)
	for _, key := range i.peers {
		if t.peers[key] == i {
			delete(t.peers, key)
		}
	}
	if !i.Overflow {
		p := placeOf(&i.Root)
		if t.grades[p]--; t.grades[p] <= 0 {
			delete(t.grades, p)
		}
	}
	t.tally.open[i.Worst].Add(-1)
	t.tally.ended[i.Worst].Add(1)
	if t.history != nil {
		t.history.keep(key, nil)
	}
}

// saveEvery is how often open incidents are saved: a killed agent forgets that much.
const saveEvery = 10 * time.Second

// save hands changed incidents to the history, every saveEvery and at the end.
func (t *Tracker) save(now time.Time, end bool) {
	if t.history == nil || !end && now.Sub(t.saved) < saveEvery {
		return
	}
	t.saved = now
	for key, i := range t.byKey {
		if !i.unsaved {
			continue
		}
		i.unsaved = false
		t.history.keep(key, i.clone())
	}
}

// Close implements delivery.Correlator.
func (t *Tracker) Close() error {
	if t.history == nil {
		return nil
	}
	return t.history.Close()
}

// Len returns how many incidents go on.
func (t *Tracker) Len() int { return len(t.byKey) }
