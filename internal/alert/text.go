package alert

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"bobwatch/internal/severity"
)

// SGR sequences of ECMA-48.
const (
	styleReset = "\x1b[0m"
	styleBold  = "\x1b[1m"
	styleFaint = "\x1b[2m"
)

// severityStyles: the worse the warmer, and readable on light and dark.
var severityStyles = [...]string{
	severity.Low:      "\x1b[36m",
	severity.Medium:   "\x1b[33m",
	severity.High:     "\x1b[31m",
	severity.Critical: "\x1b[1;97;41m",
}

// Colours reports whether text written to f should be coloured: f is a
// terminal, and the user did not object (https://no-color.org).
func Colours(f *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// Text returns the Encoder for people, which see appendText. See Colours.
func Text(colours bool) Encoder {
	return func(b *bytes.Buffer, a *Alert) error {
		appendText(b, a, colours)
		return nil
	}
}

// appendText writes an alert for people: one line that says what happened, and
// an indented one with the command that would accept it. Every string in an
// Alert is printable already.
func appendText(b *bytes.Buffer, a *Alert, colours bool) {
	style := func(sgr, text string) string {
		if !colours || text == "" {
			return text
		}
		return sgr + text + styleReset
	}
	grade := fmt.Sprintf("%-8s", strings.ToUpper(a.Severity.String()))
	if int(a.Severity) < len(severityStyles) {
		grade = style(severityStyles[a.Severity], grade)
	}
	fields := []string{
		style(styleFaint, a.Last.Local().Format(time.TimeOnly)),
		grade,
		a.Rule.String(),
		style(styleBold, place(a)),
		a.Message,
		style(styleFaint, byWhom(a)),
	}
	for i, field := range fields {
		if field == "" {
			continue
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(field)
	}
	b.WriteByte('\n')
	if command := a.Allow.String(); command != "" {
		b.WriteString("         " + style(styleFaint, command) + "\n")
	}
}

// place names the workload and container: ns/Kind/name/container.
func place(a *Alert) string {
	var parts []string
	for _, part := range []string{a.Workload.Namespace, a.Workload.Kind, a.Workload.Name, a.Container.Name} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

// byWhom returns the processes and the count: [apache2 > sh > cat, from outside
// with a terminal, 25 times].
func byWhom(a *Alert) string {
	var parts []string
	if a.Process.PID != 0 {
		parts = append(parts, lineage(a))
	}
	switch {
	case a.Origin.Kind == OriginOutside && a.Origin.TTY:
		parts = append(parts, "from outside with a terminal")
	case a.Origin.Kind == OriginOutside:
		parts = append(parts, "from outside")
	case a.Origin.Kind == OriginHook:
		parts = append(parts, "by a hook")
	}
	if a.Count > 1 {
		parts = append(parts, fmt.Sprintf("%d times", a.Count))
	}
	if len(parts) == 0 {
		return ""
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// lineage names the process and its ancestors, the oldest first.
func lineage(a *Alert) string {
	var b strings.Builder
	for _, ancestor := range slices.Backward(a.Ancestors) {
		b.WriteString(ancestor.Comm + " > ")
	}
	b.WriteString(a.Process.Comm)
	return b.String()
}
