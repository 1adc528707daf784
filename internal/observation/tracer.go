package observation

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/observe"
	"bobwatch/internal/term"
)

// Tracer is an observe.Handler that writes news as it comes.
type Tracer struct {
	Out     io.Writer
	File    *os.File // nil if out is not to be closed
	Colours bool
	Format  term.Format
	Filter  *Filter
	Boot    time.Time
	Several bool // containers: each line says which
	Lost    uint64
	err     error // why news could not be written
}

// Close ends the file, and returns why news could not be written.
func (tr *Tracer) Close() error {
	if tr.File != nil {
		return errors.Join(tr.err, tr.File.Close())
	}
	return tr.err
}

// Begin implements observe.Handler.
func (tr *Tracer) Begin(*observe.Subject) {}

// End implements observe.Handler.
func (tr *Tracer) End(s *observe.Subject) { tr.Lost += s.Lost }

// Act implements observe.Handler.
func (tr *Tracer) Act(s *observe.Subject, ev *event.Event) {
	if tr.err != nil || !tr.Filter.wants(ev) {
		return
	}
	n := newsOf(s, ev, tr.Boot)
	switch tr.Format {
	case term.JSON:
		tr.err = term.JSON.Line(tr.Out, n)
	case term.YAML:
		if _, tr.err = io.WriteString(tr.Out, "---\n"); tr.err == nil {
			tr.err = term.YAML.Encode(tr.Out, n)
		}
	default:
		_, tr.err = io.WriteString(tr.Out, tr.line(n)+"\n")
	}
}

// line is news for people.
func (tr *Tracer) line(n news) string {
	paint := func(code, text string) string { return (&term.Terminal{Colours: tr.Colours}).Colour(code, text) }
	var b strings.Builder
	b.WriteString(paint(term.Dim, n.Time.Format("15:04:05.000000")))
	if tr.Several {
		fmt.Fprintf(&b, " %s", term.Word(strings.TrimPrefix(n.Pod+"/"+n.Container, "/")))
	}
	fmt.Fprintf(&b, " %7d %-15s ", n.PID, term.Word(n.Comm))
	switch n.Kind {
	case newsExec:
		b.WriteString(paint(term.Yellow, "exec    "+term.Word(n.Path)) + ": " + term.JoinWords(n.Args))
	case newsOpen:
		b.WriteString(paint(term.Cyan, "open    ") + term.Word(n.Path) + " " + n.Access)
	case newsChange:
		b.WriteString(paint(term.Cyan, fmt.Sprintf("%-7s ", n.Act)) + term.Word(n.Path))
		if n.Other != "" {
			b.WriteString(" (" + term.Word(n.Other) + ")")
		}
	case newsContact, newsSocket:
		b.WriteString(paint(term.Cyan, fmt.Sprintf("%-8s", n.Kind)) + " " + term.Escape(n.Path))
	case newsMoved:
		b.WriteString(paint(term.Red, "moved   to cgroup "+term.Word(n.Path)))
	default:
		b.WriteString(paint(term.Green, "syscall ") + n.Syscall)
	}
	if n.Errno != "" {
		b.WriteString(" " + paint(term.Red, n.Errno))
	}
	if len(n.Notes) > 0 {
		b.WriteString(" " + paint(term.Dim, "("+strings.Join(n.Notes, ", ")+")"))
	}
	return b.String()
}
