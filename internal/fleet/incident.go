package fleet

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/term"
)

// Bounds, for a command that runs for days while workloads are hostile. An agent
// limits the alerts of each workload.
const (
	maxIncidents = 10_000
	maxPlaces    = 100 // nodes, and pods, of one incident
	shownPlaces  = 5
)

// Incident is an alert with all the places where it happened.
type Incident struct {
	last alert.Alert // the newest
	// counts are the numbers that nodes reported. An agent that was restarted
	// counts from 0 again, with another First.
	counts map[episode]uint64
	first  time.Time
	nodes  map[string]bool
	pods   map[string]bool
}

// episode is an incident as long as one agent remembers it.
type episode struct {
	node  string
	first time.Time
}

// IncidentResult is the form of an incident for machines: an alert, and where
// it happened.
type IncidentResult struct {
	alert.Alert
	Nodes []string `json:"nodes"`
	Pods  []string `json:"pods"`
}

// Result returns the incident for machines.
func (i *Incident) Result() IncidentResult {
	r := IncidentResult{Alert: i.last, Nodes: slices.Sorted(maps.Keys(i.nodes)), Pods: slices.Sorted(maps.Keys(i.pods))}
	r.Count, r.First = i.count(), i.first
	if r.Pods == nil {
		r.Pods = []string{}
	}
	return r
}

func (i *Incident) count() uint64 {
	var sum uint64
	for _, n := range i.counts {
		sum += n
	}
	return sum
}

// Incidents are alerts by fingerprint.
type Incidents struct {
	byFingerprint map[string]*Incident
}

// NewIncidents returns Incidents without any.
func NewIncidents() *Incidents {
	return &Incidents{byFingerprint: make(map[string]*Incident)}
}

// Add takes an alert in, and returns its incident and whether that is new.
func (all *Incidents) Add(a *alert.Alert) (_ *Incident, fresh bool) {
	i, known := all.byFingerprint[a.Fingerprint]
	if !known {
		if len(all.byFingerprint) >= maxIncidents {
			oldest := slices.MinFunc(slices.Collect(maps.Values(all.byFingerprint)), byLast)
			delete(all.byFingerprint, oldest.last.Fingerprint)
		}
		i = &Incident{
			counts: make(map[episode]uint64), first: a.First,
			nodes: make(map[string]bool), pods: make(map[string]bool),
		}
		all.byFingerprint[a.Fingerprint] = i
	}
	// The newest tells about it all, unless it is a milder form.
	if !known || a.Severity > i.last.Severity || a.Severity == i.last.Severity && !a.Last.Before(i.last.Last) {
		newest := i.last.Last
		i.last = *a
		if newest.After(i.last.Last) {
			i.last.Last = newest
		}
	} else if a.Last.After(i.last.Last) {
		i.last.Last = a.Last
	}
	if a.First.Before(i.first) {
		i.first = a.First
	}
	e := episode{a.Node, a.First}
	if len(i.counts) < maxPlaces || i.counts[e] > 0 {
		i.counts[e] = max(i.counts[e], a.Count)
	}
	note(i.nodes, a.Node)
	note(i.pods, a.Pod.Name)
	return i, !known
}

// note adds a place, up to a bound.
func note(places map[string]bool, name string) {
	if name != "" && len(places) < maxPlaces {
		places[name] = true
	}
}

func byLast(a, b *Incident) int {
	return cmp.Or(a.last.Last.Compare(b.last.Last), cmp.Compare(a.last.Fingerprint, b.last.Fingerprint))
}

// Sorted returns the incidents, the newest last.
func (all *Incidents) Sorted() []*Incident {
	return slices.SortedFunc(maps.Values(all.byFingerprint), byLast)
}

// Text writes an incident for people: what happened, where and since when,
// and unless it was told before, the command that accepts it.
func Text(t *term.Terminal, i *Incident, fresh bool, now time.Time) string {
	a := legible(i.last)
	a.Count, a.Allow = i.count(), nil
	var b bytes.Buffer
	if err := alert.Text(t.Colours)(&b, &a); err != nil {
		return "" // a buffer takes everything
	}
	const indent = "         "
	where := []string{"since " + clock(i.first, now)}
	if names := places(i.nodes); names != "" {
		where = append(where, "on "+names)
	}
	if names := places(i.pods); names != "" {
		where = append(where, "in "+names)
	}
	b.WriteString(indent + t.Colour(term.Dim, term.Escape(strings.Join(where, ", "))) + "\n")
	if command := i.last.Allow.String(); fresh && command != "" {
		b.WriteString(indent + t.Colour(term.Dim, term.Escape(command)) + "\n")
	}
	return b.String()
}

// legible returns the alert with the texts that alert.Text writes made
// printable: an agent writes no others, but a log may hold anything.
func legible(a alert.Alert) alert.Alert {
	for _, text := range []*string{
		&a.Workload.Namespace, &a.Workload.Kind, &a.Workload.Name, &a.Container.Name, &a.Message, &a.Process.Comm,
	} {
		*text = term.Escape(*text)
	}
	a.Ancestors = slices.Clone(a.Ancestors)
	for i := range a.Ancestors {
		a.Ancestors[i].Comm = term.Escape(a.Ancestors[i].Comm)
	}
	return a
}

// places names the first few.
func places(names map[string]bool) string {
	sorted := slices.Sorted(maps.Keys(names))
	if hidden := len(sorted) - shownPlaces; hidden > 0 {
		return fmt.Sprintf("%s and %d more", term.JoinWords(sorted[:shownPlaces]), hidden)
	}
	return term.JoinWords(sorted)
}

// clock writes a time, with its date if that is not today.
func clock(at, now time.Time) string {
	at, now = at.Local(), now.Local()
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format(time.TimeOnly)
	}
	return at.Format(time.DateTime)
}
