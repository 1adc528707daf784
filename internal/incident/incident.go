// Package incident makes stories of alerts: the acts of an unexpected process and its
// children belong to the incident that began with it.
//
// Its invariants: every alert is counted in one incident; memory is bounded, for each
// workload and in total; and an act that is worse than the acts sent before is sent at
// once.
package incident

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// Bounds of one incident.
const (
	maxTimeline  = 48
	maxMembers   = 256 // processes that are known to belong to it
	maxProcesses = 8   // chains that its story names
	maxAccepted  = 64  // entries of its allowance
	maxLinks     = 64  // processes that are part of it for a while
	maxMessage   = 512 // bytes of a line
	// maxAllowances bounds the bytes of the allowances of its lines.
	maxAllowances = 32 << 10
)

// incident is one that goes on. Its fields are exported for the file that
// survives a restart.
type incident struct {
	ID      string
	Root    alert.Alert // what it began with
	Worst   severity.Severity
	Acts    uint64
	Last    time.Time
	Untold  uint64
	Lines   []line
	Chains  []string
	Members []alert.ProcessKey
	Rules   []rule.ID

	Told     severity.Severity // what was sent last
	Sent     time.Time         // zero: never
	Changed  time.Time         // since when there is something to send; zero if there is not
	Overflow bool              // it takes what found no place of its own

	unsaved bool
	links   []alert.ProcessKey
	peers   []peer
}

// clone returns a copy that stays as it is.
func (i *incident) clone() *incident {
	c := *i
	c.Lines, c.Chains = slices.Clone(i.Lines), slices.Clone(i.Chains)
	c.Members, c.Rules = slices.Clone(i.Members), slices.Clone(i.Rules)
	c.links, c.peers = nil, nil
	return &c
}

// line is an act of the timeline.
type line struct {
	alert.Act
	Fingerprint string
	Allow       *alert.Allowance `json:",omitempty"`
	Size        int              `json:",omitempty"` // of Allow, in bytes
}

// allowed returns the size of the allowances of the lines.
func (i *incident) allowed() (size int) {
	for at := range i.Lines {
		size += i.Lines[at].Size
	}
	return size
}

// cut bounds a message.
func cut(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	end := maxMessage
	for !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end] + "…"
}

func newIncident(a *alert.Alert, key string) *incident {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", key, a.Node, a.First.UnixNano()))
	root := *a
	root.Allow, root.Story = nil, nil
	return &incident{ID: hex.EncodeToString(sum[:8]), Root: root}
}

// add counts an act. fresh says that it has a new line in the timeline.
func (i *incident) add(a *alert.Alert, now time.Time) (fresh bool) {
	i.Acts += a.Count
	i.Worst = max(i.Worst, a.Severity)
	if a.Last.After(i.Last) {
		i.Last = a.Last
	}
	for _, id := range append([]rule.ID{a.Rule}, a.Also...) {
		if !slices.Contains(i.Rules, id) && len(i.Rules) < maxTimeline {
			i.Rules = append(i.Rules, id)
		}
	}
	if i.Changed.IsZero() {
		i.Changed = now
	}
	i.unsaved = true
	at := slices.IndexFunc(i.Lines, func(l line) bool { return l.Fingerprint == a.Fingerprint })
	if at >= 0 {
		l := &i.Lines[at]
		l.Count += a.Count
		l.Last = a.Last
		if a.Severity > l.Severity {
			l.Severity, l.Message = a.Severity, cut(a.Message)
		}
		return false
	}
	return i.note(a)
}

// note adds a line, and reports whether it did. Without room it drops the least severe
// line, the newest of equals, which may be the new one, but never the first line of the
// incident.
func (i *incident) note(a *alert.Alert) bool {
	if a.Process.PID != 0 && len(i.Chains) < maxProcesses {
		if chain := a.Chain(); !slices.Contains(i.Chains, chain) {
			i.Chains = append(i.Chains, chain)
		}
	}
	if len(i.Lines) >= maxTimeline {
		least := len(i.Lines) - 1
		for at := least; at > 0; at-- {
			if i.Lines[at].Severity < i.Lines[least].Severity {
				least = at
			}
		}
		if a.Severity <= i.Lines[least].Severity {
			i.Untold += a.Count
			return false
		}
		i.Untold += i.Lines[least].Count
		i.Lines = slices.Delete(i.Lines, least, least+1)
	}
	l := line{Fingerprint: a.Fingerprint, Act: alert.Act{
		Alert: a.ID, Rule: a.Rule, Severity: a.Severity, Message: cut(a.Message), Count: a.Count, First: a.First, Last: a.Last,
	}}
	if size := len(a.Allow.String()); size > 0 && i.allowed()+size <= maxAllowances {
		l.Allow, l.Size = a.Allow, size
	}
	i.Lines = append(i.Lines, l)
	return true
}

// snapshot returns the incident as an alert.
func (i *incident) snapshot(ended bool) *alert.Alert {
	a := i.Root
	a.ID, a.Incident = i.ID, i.ID
	a.Severity, a.Count, a.Last = i.Worst, i.Acts, i.Last
	s := &alert.Story{
		Ended: ended, Entry: entry(&a), Processes: i.Chains, Rules: slices.Sorted(slices.Values(i.Rules)), Untold: i.Untold,
	}
	for _, id := range s.Rules {
		if r, ok := rule.Lookup(id); ok && r.Technique != "" && !slices.Contains(s.Techniques, r.Technique) {
			s.Techniques = append(s.Techniques, r.Technique)
		}
	}
	for at := range i.Lines {
		s.Timeline = append(s.Timeline, i.Lines[at].Act)
		if i.Lines[at].Allow == nil {
			s.Unaccepted++
		}
	}
	slices.SortStableFunc(s.Timeline, func(x, y alert.Act) int {
		return cmp.Or(cmp.Compare(y.Severity, x.Severity), x.First.Compare(y.First))
	})
	a.Allow = i.allowance()
	a.Story = s
	a.Message = i.sentence(s)
	s.Advice = advise(i, &a)
	return &a
}

// sentence describes the first act, and the worst act that followed.
func (i *incident) sentence(s *alert.Story) string {
	text := i.Root.Message
	if i.Overflow {
		text = "acts beyond what is kept apart, the first: " + text
	}
	if len(s.Timeline) == 1 {
		return text
	}
	more := ""
	if i.Untold > 0 {
		more = " and more"
	}
	text = fmt.Sprintf("%s; %d acts of %d%s kinds", text, i.Acts, len(s.Timeline), more)
	for at := range s.Timeline {
		if other := s.Timeline[at].Message; other != cut(i.Root.Message) {
			return text + ", the worst that followed: " + other
		}
	}
	return text
}

// allowance joins the allowances of the single acts; nil if there is none.
func (i *incident) allowance() *alert.Allowance {
	var all *alert.Allowance
	entries := 0
	for at := range i.Lines {
		one := i.Lines[at].Allow
		if one == nil || entries >= maxAccepted {
			continue
		}
		if all == nil {
			all = &alert.Allowance{Workload: one.Workload}
			all.Container.Name, all.Container.Type = one.Container.Name, one.Container.Type
		}
		entries++
		join(&all.Container, &one.Container)
	}
	return all
}

func join(to, from *profile.Container) {
	for arch, names := range from.Syscalls {
		if to.Syscalls == nil {
			to.Syscalls = make(map[string][]string)
		}
		for _, name := range names {
			if !slices.Contains(to.Syscalls[arch], name) {
				to.Syscalls[arch] = append(to.Syscalls[arch], name)
			}
		}
	}
	to.Execs = union(to.Execs, from.Execs)
	to.Opens = union(to.Opens, from.Opens)
	to.Changes = union(to.Changes, from.Changes)
	to.Network.Egress = union(to.Network.Egress, from.Network.Egress)
	to.Network.Ingress = union(to.Network.Ingress, from.Network.Ingress)
	to.Network.Listens = union(to.Network.Listens, from.Network.Listens)
	to.Network.Sockets = union(to.Network.Sockets, from.Network.Sockets)
	to.Network.Unix = union(to.Network.Unix, from.Network.Unix)
}

func union[T any](to, from []T) []T {
	for _, entry := range from {
		if !slices.ContainsFunc(to, func(known T) bool { return reflect.DeepEqual(known, entry) }) {
			to = append(to, entry)
		}
	}
	return to
}
