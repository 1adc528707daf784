// Package listing writes documents, their differences and what was counted in
// lines for people, each text in printable characters.
package listing

import (
	"fmt"
	"text/tabwriter"

	"bobwatch/internal/term"
)

// Lister writes documents and summaries for people.
type Lister struct {
	Terminal *term.Terminal
	All      bool // entries of every list
}

// shownEntries is how many entries of a list the table shows.
const shownEntries = 20

func (l *Lister) line(format string, args ...any) {
	fmt.Fprintf(l.Terminal.Out, format+"\n", args...)
}

func (l *Lister) list(title string, entries []string, line func(string) string) {
	list(l, title, entries, line)
}

// list writes the entries of a section, a line each.
func list[T any](l *Lister, title string, entries []T, line func(T) string) {
	if len(entries) == 0 {
		return
	}
	l.line("  %s", l.Terminal.Colour(term.Cyan, fmt.Sprintf("%s (%d)", title, len(entries))))
	shown := entries
	if !l.All && len(entries) > shownEntries {
		shown = entries[:shownEntries]
	}
	for _, entry := range shown {
		l.line("    %s", line(entry))
	}
	if hidden := len(entries) - len(shown); hidden > 0 {
		l.line("    %s", l.Terminal.Colour(term.Dim, fmt.Sprintf("and %d more: --all", hidden)))
	}
}

// cut shortens a long text unless everything is to be shown.
func (l *Lister) cut(text string) string {
	const limit = 100
	if runes := []rune(text); !l.All && len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}

// table writes the entries of a section in columns, under their names.
func table[T any](l *Lister, title string, entries []T, columns string, line func(T) string) {
	if len(entries) == 0 {
		return
	}
	shown := entries
	if !l.All && len(entries) > shownEntries {
		shown = entries[:shownEntries]
	}
	l.line("  %s", l.Terminal.Colour(term.Cyan, fmt.Sprintf("%s (%d)", title, len(entries))))
	w := tabwriter.NewWriter(l.Terminal.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "    %s\n", columns)
	for _, entry := range shown {
		fmt.Fprintf(w, "    %s\n", line(entry))
	}
	w.Flush()
	if hidden := len(entries) - len(shown); hidden > 0 {
		l.line("    %s", l.Terminal.Colour(term.Dim, fmt.Sprintf("and %d more: --all", hidden)))
	}
}
