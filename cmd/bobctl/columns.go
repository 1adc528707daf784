package main

import (
	"strings"
	"unicode/utf8"
)

// cell is a text of a table, which is made printable, and its colour, if any.
type cell struct{ text, colour string }

// columns aligns rows by their cells, two spaces before and between them. A row of
// one cell may be as long as it is.
func (t *terminal) columns(rows [][]cell) string {
	var widths []int
	for _, row := range rows {
		for i := range row {
			row[i].text = shorten(escapeUnprintable(row[i].text))
			if len(row) == 1 {
				break
			}
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := "  "
		gap := 0 // spaces that are due before the next text
		for i, c := range row {
			if c.text != "" {
				line += strings.Repeat(" ", gap)
				gap = 0
				if c.colour != "" {
					line += t.colour(c.colour, c.text)
				} else {
					line += c.text
				}
			}
			if len(row) == 1 {
				break
			}
			gap += widths[i] - utf8.RuneCountInString(c.text) + 2
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// maxCell is how many characters of a text are shown: no name that has to be
// told from others is longer.
const maxCell = 512

func shorten(text string) string {
	if utf8.RuneCountInString(text) <= maxCell {
		return text
	}
	return string([]rune(text)[:maxCell]) + "…"
}
