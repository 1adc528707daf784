package term

import (
	"strings"
	"unicode/utf8"
)

// Cell is a text of a table, which is made printable, and its colour, if any.
type Cell struct{ Text, Colour string }

// NewCell returns a cell; an empty colour is none.
func NewCell(text, colour string) Cell { return Cell{text, colour} }

// Columns aligns rows by their cells, two spaces before and between them. A row of
// one cell may be as long as it is.
func (t *Terminal) Columns(rows [][]Cell) string {
	var widths []int
	for _, row := range rows {
		for i := range row {
			row[i].Text = shorten(Escape(row[i].Text))
			if len(row) == 1 {
				break
			}
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].Text))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		line.WriteString("  ")
		gap := 0 // spaces that are due before the next text
		for i, c := range row {
			if c.Text != "" {
				line.WriteString(strings.Repeat(" ", gap))
				gap = 0
				if c.Colour != "" {
					line.WriteString(t.Colour(c.Colour, c.Text))
				} else {
					line.WriteString(c.Text)
				}
			}
			if len(row) == 1 {
				break
			}
			gap += widths[i] - utf8.RuneCountInString(c.Text) + 2
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// maxCell is how many characters of a text are shown: no name that has to be distinguished
// from others is longer.
const maxCell = 512

func shorten(text string) string {
	if utf8.RuneCountInString(text) <= maxCell {
		return text
	}
	return string([]rune(text)[:maxCell]) + "…"
}

// Header returns the row with the titles of columns.
func Header(titles ...string) []Cell {
	row := make([]Cell, len(titles))
	for i, title := range titles {
		row[i] = NewCell(title, Dim)
	}
	return row
}
