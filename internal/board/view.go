package board

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"bobwatch/internal/story"
	"bobwatch/internal/term"
)

// chrome is the number of lines around the body: a title, two of the foot.
const chrome = 3

// rows is how many lines the body has.
func (b *board) rows() int { return max(1, b.height-chrome) }

// View implements tea.Model.
func (b *board) View() tea.View {
	var title, keys string
	var body []string
	switch b.mode {
	case listing:
		title, keys = b.title(), "↑↓ select  enter open  a accept  s silence  c copy  q quit"
		body = b.rowsOfList()
	case reading:
		title, keys = "incident "+b.open.ID, "↑↓ scroll  a accept  s silence  c copy  esc back  q quit"
		body = b.page(story.Text(b.Terminal, b.open, b.now()))
	case accepting:
		title, keys = "accept incident "+story.Short(b.open.ID), "y write  n back"
		body = b.page(b.acceptText())
	case silencing:
		title, keys = "silence incident "+story.Short(b.open.ID), "type a reason  tab how long  enter write  esc back"
		body = b.page(b.silenceText())
	}
	lines := append([]string{b.Terminal.Colour(term.Bold, title)}, body...)
	for len(lines) < b.height-2 {
		lines = append(lines, "")
	}
	lines = append(lines, b.message(), b.Terminal.Colour(term.Dim, keys))
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], b.width, "…")
	}
	view := tea.NewView(strings.Join(lines, "\n"))
	view.AltScreen = true
	view.WindowTitle = "bobctl alerts"
	return view
}

// title counts the incidents that go on.
func (b *board) title() string {
	open := 0
	for _, a := range b.list {
		if !a.Story.Ended {
			open++
		}
	}
	return fmt.Sprintf("%s in the last %s, %d going on", term.Plural(uint64(len(b.list)), "incident"), b.Span, open)
}

// message returns the result of the last key, or else why the list is incomplete.
func (b *board) message() string {
	if b.note != "" {
		return b.Terminal.Colour(term.Green, b.note)
	}
	text := strings.ReplaceAll(b.trouble, "\n", "; ")
	return b.Terminal.Colour(term.Yellow, term.Escape(text))
}

func (b *board) rowsOfList() []string {
	if len(b.list) == 0 {
		if !b.loaded {
			return []string{"", "  asking the agents…"}
		}
		return []string{"", "  no incidents; new ones appear here"}
	}
	top := 0
	if b.at >= b.rows() {
		top = b.at - b.rows() + 1
	}
	var lines []string
	for i := top; i < min(len(b.list), top+b.rows()); i++ {
		mark := "  "
		if i == b.at {
			mark = b.Terminal.Colour(term.Bold, "❯ ")
		}
		lines = append(lines, mark+strings.TrimSuffix(story.Line(b.Terminal, b.list[i], b.now()), "\n"))
	}
	return lines
}

// page wraps a text and shows the part that is scrolled to.
func (b *board) page(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	lines := strings.Split(ansi.Wrap(text, max(20, b.width-1), ""), "\n")
	b.scroll = max(0, min(b.scroll, len(lines)-b.rows()))
	return lines[b.scroll:min(len(lines), b.scroll+b.rows())]
}

func (b *board) acceptText() string {
	if b.plan.refused != "" {
		return "\n" + b.plan.refused
	}
	var diff strings.Builder
	for line := range strings.Lines(b.plan.diff) {
		colour := ""
		if strings.HasPrefix(line, "  + ") {
			colour = term.Green
		}
		line = strings.TrimSuffix(line, "\n")
		if colour != "" {
			line = b.Terminal.Colour(colour, line)
		}
		diff.WriteString(line + "\n")
	}
	text := "\nThis is allowed to " + story.Subject(b.open) + " once " + b.Allowances + " is in force:\n\n" + diff.String()
	if n := b.open.Story.Unaccepted; n > 0 {
		text += "\n" + b.Terminal.Colour(term.Yellow, term.Plural(uint64(n), "kind")+" of acts of it cannot be accepted, and will be told again.") + "\n"
	}
	return text + "\nWrite it? (y/n)"
}

func (b *board) silenceText() string {
	entries := b.entries()
	if len(entries) == 0 {
		return "\nA silence of this name would cover others, or none."
	}
	var choices []string
	for i, s := range spans {
		if i == b.silence.span {
			choices = append(choices, b.Terminal.Colour(term.Bold, "["+s.name+"]"))
		} else {
			choices = append(choices, " "+s.name+" ")
		}
	}
	var text strings.Builder
	text.WriteString("\nreason: " + b.silence.reason + "▏\nlasts:  " + strings.Join(choices, " ") +
		"\n\nThis is added to " + b.Silences + ":\n\n")
	for _, entry := range entries {
		text.WriteString("- " + entry + "\n")
	}
	if strings.TrimSpace(b.silence.reason) == "" {
		text.WriteString("\n" + b.Terminal.Colour(term.Yellow, "A silence needs a reason."))
	}
	return text.String()
}
