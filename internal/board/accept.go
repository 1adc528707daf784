package board

import (
	"slices"
	"strings"

	"bobwatch/internal/allowance"
	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

// plan holds the documents that accepting an incident would write.
type plan struct {
	from      mode
	documents []*profile.Profile // all of the file
	diff      string
	refused   string // why there is nothing to write
}

func (b *board) startAccepting(from mode) {
	b.plan, b.mode, b.scroll = b.planned(), accepting, 0
	b.plan.from = from
}

// planned reads the file and adds the allowance of the open incident.
func (b *board) planned() *plan {
	a := b.open
	if a.Allow == nil {
		return &plan{refused: "No document can allow this, or none could without allowing more. A silence keeps it quiet for a while."}
	}
	addition, err := allowance.From(a.Allow)
	if err != nil {
		return &plan{refused: "This cannot be accepted: " + term.Escape(err.Error())}
	}
	documents, err := allowance.ReadFile(b.Allowances)
	if err != nil {
		return &plan{refused: term.Escape(err.Error())}
	}
	next, err := allowance.Add(documents, addition)
	if err != nil {
		return &plan{refused: term.Escape(err.Error())}
	}
	if next == nil {
		return &plan{refused: b.Allowances + " allows all of it already."}
	}
	return &plan{documents: next, diff: difference(documents, next)}
}

// difference lists the entries that next has and documents lack.
func difference(documents, next []*profile.Profile) string {
	before := documents
	for len(before) < len(next) {
		none := *next[len(before)]
		none.Spec.Containers = nil
		before = append(slices.Clip(before), &none)
	}
	var text strings.Builder
	for i := range next {
		if d := profile.Diff(before[i], next[i]); !d.Empty() {
			text.WriteString(d.String())
		}
	}
	return text.String()
}

func (b *board) acceptKey(key string) {
	switch key {
	case "y":
		if b.plan.refused == "" {
			b.accept()
		}
	case "up", "k":
		b.scroll = max(0, b.scroll-1)
	case "down", "j":
		b.scroll++
	case "n", "q", "esc", "left":
		b.back(b.plan.from)
	}
}

func (b *board) accept() {
	var said strings.Builder
	err := allowance.WriteFile(&said, b.Allowances, b.plan.documents)
	b.back(b.plan.from)
	if err != nil {
		b.note = "not written: " + term.Escape(err.Error())
		return
	}
	b.note = "written to " + b.Allowances + ". " + strings.TrimSpace(said.String())
}
