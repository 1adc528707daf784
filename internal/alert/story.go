package alert

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// IncidentsPath is where an agent answers with the incidents of its history as
// JSON lines, and IncidentsPath + "/ID" with one. IncidentsSince is a parameter:
// those that the agent wrote after this time (RFC 3339).
const (
	IncidentsPath  = "/incidents"
	IncidentsSince = "since"
)

// ProcessKey names a process for as long as the kernel runs.
type ProcessKey struct {
	PID   uint32
	Start uint64 // ns since boot
}

// Story tells an incident as a whole. An alert that has one stands for the
// incident: its process and deviation are those of the first act,
// its severity is that of the worst act, its count the number of acts, and its
// allowance accepts all of it.
type Story struct {
	Ended bool `json:"ended,omitempty"` // it has been quiet since Last
	// Updated is when the agent wrote it to its history.
	Updated time.Time `json:"updated,omitzero"`
	// Entry is how it came in: from a process of the container, from outside.
	Entry string `json:"entry,omitempty"`
	// Processes are the chains of processes that took part, the oldest first.
	Processes  []string  `json:"processes,omitempty"`
	Rules      []rule.ID `json:"rules,omitempty"`
	Techniques []string  `json:"techniques,omitempty"` // of MITRE ATT&CK
	// Timeline are the acts, the worst first and of equals the oldest.
	Timeline []Act `json:"timeline"`
	// Untold counts the acts that found no place in Timeline, which keeps the
	// worst.
	Untold uint64 `json:"untold,omitempty"`
	// Unaccepted counts the acts of Timeline that the alert's Allow does not
	// accept: no document can allow them, or they are beyond its bound.
	Unaccepted int    `json:"unaccepted,omitempty"`
	Advice     Advice `json:"advice"`
}

// Act is a line of a story: one act, as often as it was done.
type Act struct {
	Alert    string            `json:"alert,omitempty"` // the id of its alert
	Rule     rule.ID           `json:"rule"`
	Severity severity.Severity `json:"severity"`
	Message  string            `json:"message"`
	Count    uint64            `json:"count"`
	First    time.Time         `json:"first"`
	Last     time.Time         `json:"last"`
}

// Advice explains an incident, a sentence each.
type Advice struct {
	Means   string `json:"means"`
	Normal  string `json:"normal"`
	Silence string `json:"silence"` // entries of alerts.silences, with an end
	Contain string `json:"contain"`
}

// StoryText is the Encoder of incidents for people: what happened, the acts,
// and what to do. Of an alert without a story it writes what Text does.
func StoryText(colours bool) Encoder {
	return func(b *bytes.Buffer, a *Alert) error {
		head := *a
		head.Allow = nil
		appendText(b, &head, colours)
		if a.Story == nil {
			return nil
		}
		s := a.Story
		line := func(label, text string) {
			if text != "" {
				fmt.Fprintf(b, "         %-8s %s\n", label, text)
			}
		}
		line("incident", a.Incident)
		line("entry", s.Entry)
		for _, chain := range s.Processes {
			line("process", chain)
		}
		for i := range s.Timeline {
			act := &s.Timeline[i]
			times := ""
			if act.Count > 1 {
				times = fmt.Sprintf(" (%d times)", act.Count)
			}
			line(act.First.Local().Format(time.TimeOnly), fmt.Sprintf("%-8s %s %s%s", act.Severity, act.Rule, act.Message, times))
		}
		if s.Untold > 0 {
			line("", fmt.Sprintf("and %d more", s.Untold))
		}
		line("means", s.Advice.Means)
		line("normal", s.Advice.Normal)
		line("accept", a.Allow.String())
		line("silence", s.Advice.Silence)
		line("contain", s.Advice.Contain)
		if s.Ended {
			line("ended", "quiet since "+a.Last.Local().Format(time.TimeOnly))
		}
		return nil
	}
}

// Chain names the process and its ancestors, the oldest first: apache2 > sh > cat.
func (a *Alert) Chain() string { return lineage(a) }

// Quote returns words as a line for a shell, in printable characters.
func Quote(words ...string) string { return strings.TrimSpace(joinQuoted(words)) }
