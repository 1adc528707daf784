package story

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/term"
)

// List prints incidents for a pipe.
type List struct {
	Terminal *term.Terminal
	Format   term.Format
	Source   Source
	Follow   bool
	Page     bool   // Show writes HTML
	Span     string // how long ago it begins, for people
}

// followEvery is how often agents are asked for new incidents.
const followEvery = 2 * time.Second

// Run prints the incidents in set, and with Follow also new ones.
func (l *List) Run(ctx context.Context, set *Set) error {
	unread, err := l.read(ctx, func(a alert.Alert) error { set.Add(a); return nil })
	if err != nil {
		return err
	}
	sorted := set.Sorted()
	if len(sorted) == 0 && l.Format == term.Table && !l.Follow {
		fmt.Fprintf(l.Terminal.Err, "no incidents in the last %s\n", l.Span)
	}
	for _, a := range sorted {
		if err := l.write(a); err != nil {
			return err
		}
	}
	for l.Follow {
		select {
		case <-ctx.Done():
			return nil // an interruption is how it ends
		case <-time.After(followEvery):
		}
		_, err := l.read(ctx, func(a alert.Alert) error {
			if fresh := set.Add(a); fresh != nil {
				return l.write(fresh)
			}
			return nil
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return unread
}

// Show prints the one incident whose id begins so.
func (l *List) Show(ctx context.Context, id string) error {
	set := &Set{}
	unread, err := l.read(ctx, func(a alert.Alert) error { set.Add(a); return nil })
	if err != nil {
		return err
	}
	found := set.Find(id)
	switch {
	case len(found) == 0 && unread != nil:
		return fmt.Errorf("no incident %s, and %w", term.Word(id), unread)
	case len(found) == 0:
		return fmt.Errorf("no incident %s: agents keep them for a while; bobctl alerts lists them", term.Word(id))
	case len(found) > 1:
		var ids []string
		for _, a := range found[:min(len(found), 5)] {
			ids = append(ids, a.ID+" on "+a.Node)
		}
		return term.Usagef("%s begins the ids of %d incidents: %s", term.Word(id), len(found), strings.Join(ids, ", "))
	}
	if l.Page {
		return HTML(l.Terminal.Out, found[0], time.Now())
	}
	if l.Format == term.Table {
		_, err := fmt.Fprint(l.Terminal.Out, Text(l.Terminal, found[0], time.Now()))
		return err
	}
	return l.write(found[0])
}

// read asks the source once. unread says that some agents did not answer.
func (l *List) read(ctx context.Context, take func(alert.Alert) error) (unread, err error) {
	var written error
	err = l.Source.Read(ctx, func(a alert.Alert) {
		if written == nil {
			written = take(a)
		}
	}, func(where string, err error) {
		fmt.Fprintf(l.Terminal.Err, "warning: %s: %s\n", term.Word(where), term.Escape(err.Error()))
		unread = errors.New("not all agents could be asked")
	})
	if err != nil {
		return unread, fmt.Errorf("read incidents: %w", err)
	}
	return unread, written
}

func (l *List) write(a *alert.Alert) error {
	switch l.Format {
	case term.JSON:
		return l.Format.Line(l.Terminal.Out, a)
	case term.YAML:
		fmt.Fprintln(l.Terminal.Out, "---")
		return l.Format.Encode(l.Terminal.Out, a)
	}
	_, err := fmt.Fprint(l.Terminal.Out, Line(l.Terminal, a, time.Now()))
	return err
}
