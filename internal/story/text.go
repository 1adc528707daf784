package story

import (
	"fmt"
	"strings"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
	"bobwatch/internal/term"
)

// Subject names the workload and container of an incident.
func Subject(a *alert.Alert) string {
	var parts []string
	for _, part := range []string{a.Workload.Namespace, a.Workload.Kind, a.Workload.Name, a.Container.Name} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

// Line is an incident in one line: when, how bad, which, where, what, and
// whether it goes on.
func Line(t *term.Terminal, a *alert.Alert, now time.Time) string {
	return fmt.Sprintf("%s %s %s %s %s %s\n", t.Colour(term.Dim, Clock(a.Last, now)), Grade(t, a.Severity),
		Short(a.ID), t.Colour(term.Bold, Subject(a)), a.Message, t.Colour(term.Dim, "["+State(a)+"]"))
}

// State says whether an incident goes on, and how much it is.
func State(a *alert.Alert) string {
	state := "goes on"
	if a.Story.Ended {
		state = "over"
	}
	return state + ", " + term.Plural(a.Count, "act")
}

// Short is as much of an id as people type.
func Short(id string) string { return id[:min(len(id), 8)] }

// Grade writes a severity in its colour, in a column.
func Grade(t *term.Terminal, s severity.Severity) string {
	colour := term.Cyan
	switch {
	case s >= severity.High:
		colour = term.Red
	case s == severity.Medium:
		colour = term.Yellow
	}
	return t.Colour(colour, fmt.Sprintf("%-8s", strings.ToUpper(s.String())))
}

// Clock writes a time, with its date if that is not today.
func Clock(at, now time.Time) string {
	at, now = at.Local(), now.Local()
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format(time.TimeOnly)
	}
	return at.Format("01-02 15:04")
}

// Text is the whole story for people: what happened, how it came in, whether it
// goes on, what to do.
func Text(t *term.Terminal, a *alert.Alert, now time.Time) string {
	var b strings.Builder
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %s %s\n", t.Colour(term.Dim, fmt.Sprintf("%-9s", label)), text)
		}
	}
	s := a.Story
	fmt.Fprintf(&b, "%s %s %s\n%s\n\n", Grade(t, a.Severity), t.Colour(term.Bold, Subject(a)), t.Colour(term.Dim, a.ID), a.Message)
	line("means", s.Advice.Means)
	line("came in", s.Entry)
	line("goes on", goesOn(a, now))
	line("where", where(a))
	line("rules", rules(s))
	for i, chain := range s.Processes {
		line(first(i, "processes"), chain)
	}
	b.WriteString("\n")
	for i := range s.Timeline {
		act := &s.Timeline[i]
		times := ""
		if act.Count > 1 {
			times = fmt.Sprintf(" (%d times)", act.Count)
		}
		fmt.Fprintf(&b, "  %s %s %s %s%s\n", t.Colour(term.Dim, Clock(act.First, now)), Grade(t, act.Severity), act.Rule, act.Message, times)
	}
	if s.Untold > 0 {
		fmt.Fprintf(&b, "  and %s more\n", term.Plural(s.Untold, "act"))
	}
	b.WriteString("\n")
	line("normal", s.Advice.Normal)
	line("accept", Accepting(a))
	for i, entry := range strings.SplitAfter(s.Advice.Silence, "}, ") {
		line(first(i, "silence"), strings.TrimSuffix(entry, ", "))
	}
	line("contain", s.Advice.Contain)
	return b.String()
}

// first labels the first of several lines.
func first(i int, label string) string {
	if i > 0 {
		return ""
	}
	return label
}

func goesOn(a *alert.Alert, now time.Time) string {
	since := "since " + Clock(a.First, now) + ", " + term.Plural(a.Count, "act")
	if a.Story.Ended {
		return "no, quiet since " + Clock(a.Last, now) + "; it began at " + Clock(a.First, now) + ", " + term.Plural(a.Count, "act")
	}
	return "yes, " + since + ", the last at " + Clock(a.Last, now)
}

func where(a *alert.Alert) string {
	var places []string
	for _, place := range []struct{ name, value string }{{"node ", a.Node}, {"pod ", a.Pod.Name}, {"container ", a.Container.ID}} {
		if place.value != "" {
			places = append(places, place.name+place.value)
		}
	}
	return strings.Join(places, ", ")
}

func rules(s *alert.Story) string {
	var names []string
	for _, id := range s.Rules {
		names = append(names, strings.TrimSpace(id.String()+" "+id.Name()))
	}
	text := strings.Join(names, ", ")
	if len(s.Techniques) > 0 {
		text += "; ATT&CK " + strings.Join(s.Techniques, ", ")
	}
	return text
}

// Accepting is how to accept an incident from a command line.
func Accepting(a *alert.Alert) string {
	if a.Allow == nil {
		return "no document can allow it, or none could without allowing more"
	}
	text := "bobctl alerts show " + Short(a.ID) + " -o json | bobctl allow --alert -"
	if n := a.Story.Unaccepted; n > 0 {
		text += fmt.Sprintf(" (all but %s, which no document can allow or which are too many)", term.Plural(uint64(n), "kind"))
	}
	return text
}
