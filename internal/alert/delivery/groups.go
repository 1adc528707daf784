package delivery

import (
	"container/list"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// groups remembers the alerts that may repeat, and how many alerts each workload may
// still raise. It is not safe for concurrent use.
type groups struct {
	opts *Options

	byFingerprint map[string]*group
	// repeats holds the groups by the time they are due. The interval is the
	// same for all, so the order of arrival is the order of being due.
	repeats *list.List // of *group

	workloads map[workloadKey]*workload
	summaries *list.List // of *workload with something held, in due order
}

// group is one incident that goes on.
type group struct {
	alert    alert.Alert
	told     uint64 // the count that was sent last
	due      time.Time
	workload *workload
	budget   *budget // of the workload, from which it was paid
}

type workloadKey struct{ namespace, kind, name, container string }

func keyOf(a *alert.Alert) workloadKey {
	return workloadKey{a.Workload.Namespace, a.Workload.Kind, a.Workload.Name, a.Container.Name}
}

// workload holds the budget of one workload's container. It is forgotten when it has
// neither groups nor held alerts.
type workload struct {
	key     workloadKey
	groups  int
	budgets [severity.Critical + 1]budget // by severity: remarks cannot use up what critical alerts need
	held    *alert.Alert                  // the summary in the making, nil if nothing is held
	due     time.Time                     // of the summary
}

// maxPerBudget bounds the remembered alerts of one workload and severity, so
// that one workload that never rests cannot fill all there is.
const maxPerBudget = 64

// budget is a token bucket. The zero value is a full one.
type budget struct {
	used     int // tokens
	refilled time.Time
	groups   int
}

// take uses one token, if there is one.
func (b *budget) take(now time.Time, opts *Options) bool {
	won := int(now.Sub(b.refilled) / opts.RefillInterval)
	if won >= b.used {
		b.used, b.refilled = 0, now
	} else if won > 0 {
		b.used -= won
		b.refilled = b.refilled.Add(time.Duration(won) * opts.RefillInterval)
	}
	if b.used >= opts.Burst || b.groups >= maxPerBudget {
		return false
	}
	b.used++
	return true
}

func newGroups(opts *Options) *groups {
	return &groups{
		opts:          opts,
		byFingerprint: make(map[string]*group),
		repeats:       list.New(),
		workloads:     make(map[workloadKey]*workload),
		summaries:     list.New(),
	}
}

// outcome says what the dispatcher does with an alert.
type outcome uint8

const (
	outcomeNew    outcome = iota // to be sent: the first of its incident
	outcomeWorse                 // to be sent: of a known incident, but more severe
	outcomeFolded                // counted with its incident
	outcomeHeld                  // counted in the workload's summary
	outcomeLost                  // no place left even for that
)

// add adds an alert. It returns the alert to send, if the outcome says so.
func (g *groups) add(a *alert.Alert, now time.Time) (*alert.Alert, outcome) {
	if known, ok := g.byFingerprint[a.Fingerprint]; ok {
		return known.fold(a)
	}
	key := keyOf(a)
	w, ok := g.workloads[key]
	if !ok {
		if len(g.workloads) >= g.opts.MaxAlerts {
			return nil, outcomeLost
		}
		w = &workload{key: key}
		g.workloads[key] = w
	}
	budget := &w.budgets[min(a.Severity, severity.Critical)]
	if len(g.byFingerprint) >= g.opts.MaxAlerts || !budget.take(now, g.opts) {
		g.hold(w, a, now)
		return nil, outcomeHeld
	}
	w.groups++
	budget.groups++
	fresh := &group{alert: *a, told: a.Count, due: now.Add(g.opts.RepeatInterval), workload: w, budget: budget}
	g.byFingerprint[a.Fingerprint] = fresh
	g.repeats.PushBack(fresh)
	return fresh.snapshot(), outcomeNew
}

// snapshot returns a copy that the sinks may keep while the group goes on counting.
func (g *group) snapshot() *alert.Alert {
	a := g.alert
	return &a
}

// fold counts a with its incident. An alert that is worse than the last one sent is sent
// at once, unchanged, so that a remark cannot hide it.
func (g *group) fold(a *alert.Alert) (*alert.Alert, outcome) {
	worse := a.Severity > g.alert.Severity
	count, first := g.alert.Count+a.Count, g.alert.First
	if worse {
		g.alert = *a
	}
	g.alert.Count, g.alert.First = count, first
	if a.Last.After(g.alert.Last) {
		g.alert.Last = a.Last
	}
	if !worse {
		return nil, outcomeFolded
	}
	g.told = count
	return g.snapshot(), outcomeWorse
}

// hold counts a in the summary of its workload.
func (g *groups) hold(w *workload, a *alert.Alert, now time.Time) {
	if w.held == nil {
		w.held = &alert.Alert{
			Fingerprint: a.Subject.Fingerprint(rule.Suppressed),
			Rule:        rule.Suppressed,
			RuleName:    rule.Suppressed.Name(),
			First:       a.First,
			Node:        a.Node,
			Subject:     a.Subject,
			Suppressed:  make(map[rule.ID]uint64),
		}
		w.due = now.Add(g.opts.SummaryInterval)
		g.summaries.PushBack(w)
	}
	example := *a
	example.Ancestors, example.Lineage = nil, nil
	w.held.Latest = &example
	if w.held.Gravest == nil || a.Severity > w.held.Gravest.Severity {
		w.held.Gravest = &example
	}
	w.held.Severity = max(w.held.Severity, a.Severity)
	w.held.Count += a.Count
	w.held.Suppressed[a.Rule] += a.Count
	w.held.Last = a.Last
}

// due returns the alerts to send now: incidents that went on since their last
// alert, and summaries. It forgets incidents that did not go on.
func (g *groups) due(now time.Time) []*alert.Alert {
	var out []*alert.Alert
	for front := g.repeats.Front(); front != nil; front = g.repeats.Front() {
		known := front.Value.(*group)
		if known.due.After(now) {
			break
		}
		if known.told == known.alert.Count {
			g.forget(front)
			continue
		}
		known.told = known.alert.Count
		known.due = now.Add(g.opts.RepeatInterval)
		g.repeats.MoveToBack(front)
		out = append(out, known.snapshot())
	}
	for front := g.summaries.Front(); front != nil; front = g.summaries.Front() {
		if front.Value.(*workload).due.After(now) {
			break
		}
		out = append(out, g.summarise(front))
	}
	return out
}

// flush returns all alerts that were counted and not sent yet.
func (g *groups) flush() []*alert.Alert {
	var out []*alert.Alert
	for element := g.repeats.Front(); element != nil; element = element.Next() {
		if known := element.Value.(*group); known.told != known.alert.Count {
			known.told = known.alert.Count
			out = append(out, known.snapshot())
		}
	}
	for front := g.summaries.Front(); front != nil; front = g.summaries.Front() {
		out = append(out, g.summarise(front))
	}
	return out
}

func (g *groups) forget(element *list.Element) {
	known := g.repeats.Remove(element).(*group)
	delete(g.byFingerprint, known.alert.Fingerprint)
	known.budget.groups--
	known.workload.groups--
	g.release(known.workload)
}

// release forgets a workload that has nothing to be remembered for. Its budget
// is full again by then, or it will be given a full one.
func (g *groups) release(w *workload) {
	if w.groups == 0 && w.held == nil {
		delete(g.workloads, w.key)
	}
}

// summarise ends a summary.
func (g *groups) summarise(element *list.Element) *alert.Alert {
	w := g.summaries.Remove(element).(*workload)
	a := w.held
	w.held = nil
	g.release(w)
	a.Message = summary(a)
	return a
}

// summary says how much was held back: "and 1240 more of 2 kinds: R0001 900
// times, R0002 340 times".
func summary(a *alert.Alert) string {
	var kinds []string
	for _, rule := range slices.Sorted(maps.Keys(a.Suppressed)) {
		kinds = append(kinds, fmt.Sprintf("%s %d times", rule, a.Suppressed[rule]))
	}
	noun := "kinds"
	if len(kinds) == 1 {
		noun = "kind"
	}
	text := fmt.Sprintf("and %d more of %d %s: %s", a.Count, len(kinds), noun, strings.Join(kinds, ", "))
	if a.Gravest != nil && a.Gravest.Message != "" {
		text += "; the gravest: " + a.Gravest.Message
	}
	return text
}
