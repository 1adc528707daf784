package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Sizes of a picture, in pixels.
const (
	cellWidth  = 8.4
	cellHeight = 18
	baseline   = 13
	margin     = 14
	// frameSeconds is how long each picture of a recording is shown, and
	// lastFrames how many times as long the last one.
	frameSeconds = 0.5
	lastFrames   = 8
)

// palette holds the colours that bobctl and the agent use, by their numbers in
// ECMA-48.
var palette = map[int]string{
	30: "#484f58", 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea", 37: "#e6edf3",
	90: "#8b949e", 91: "#ffa198", 92: "#aff5b4", 93: "#f2cc60", 94: "#a5d6ff", 95: "#e2c5ff", 96: "#b3f0ff", 97: "#ffffff",
}

// control matches what tmux writes of how text looks.
var control = regexp.MustCompile("\x1b\\[([0-9;]*)m|\x1b\\(B|\x0f|\x0e")

// plain returns a line without colours.
func plain(line string) string { return strings.TrimRight(control.ReplaceAllString(line, ""), " ") }

// look is how text looks.
type look struct {
	colour       string // empty for the usual one
	bold, dim    bool
	reverse      bool
	italic, line bool
}

// apply changes the look by the numbers of a control sequence.
func (l *look) apply(numbers string) {
	for text := range strings.SplitSeq(numbers, ";") {
		n, _ := strconv.Atoi(text) // empty is 0
		switch {
		case n == 0:
			*l = look{}
		case n == 1:
			l.bold = true
		case n == 2:
			l.dim = true
		case n == 3:
			l.italic = true
		case n == 4:
			l.line = true
		case n == 7:
			l.reverse = true
		case n == 22:
			l.bold, l.dim = false, false
		case n == 27:
			l.reverse = false
		case n == 39:
			l.colour = ""
		case palette[n] != "":
			l.colour = palette[n]
		}
	}
}

// style returns the attributes of a text of that look.
func (l look) style() string {
	var s string
	if l.colour != "" {
		s += fmt.Sprintf(` fill="%s"`, l.colour)
	}
	if l.bold {
		s += ` font-weight="bold"`
	}
	if l.dim {
		s += ` opacity="0.6"`
	}
	if l.italic {
		s += ` font-style="italic"`
	}
	if l.line {
		s += ` text-decoration="underline"`
	}
	return s
}

// draw draws what a terminal showed, once or several times in a row, as an SVG.
func draw(frames []string, width int) []byte {
	rows := 0
	for _, frame := range frames {
		rows = max(rows, strings.Count(frame, "\n")+1)
	}
	w, h := float64(width)*cellWidth+2*margin, rows*cellHeight+2*margin
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d">`+"\n", w, h, w, h)
	fmt.Fprintf(&b, `<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}%s</style>`+"\n",
		animation(len(frames), h))
	fmt.Fprintf(&b, `<rect width="%.0f" height="%d" rx="8" fill="#0d1117"/>`+"\n", w, h)
	fmt.Fprintf(&b, `<svg width="%.0f" height="%d"><g class="play" fill="#e6edf3">`+"\n", w, h)
	for i, frame := range frames {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", margin, i*h+margin)
		drawFrame(&b, frame)
		b.WriteString("</g>\n")
	}
	b.WriteString("</g></svg>\n</svg>\n")
	return b.Bytes()
}

// animation moves one frame after the other, which lie below each other, into
// view. The last one is there for who wants no movement.
func animation(frames, height int) string {
	if frames == 1 {
		return ""
	}
	var b strings.Builder
	steps := frames - 1 + lastFrames
	b.WriteString("@keyframes play{")
	for i := range frames {
		fmt.Fprintf(&b, "%.2f%%{transform:translateY(-%dpx)}", 100*float64(i)/float64(steps), i*height)
	}
	last := (frames - 1) * height
	fmt.Fprintf(&b, "100%%{transform:translateY(-%dpx)}}.play{transform:translateY(-%dpx)}"+
		"@media(prefers-reduced-motion:no-preference){.play{animation:play %.1fs step-end infinite}}",
		last, last, float64(steps)*frameSeconds)
	return b.String()
}

func drawFrame(b *bytes.Buffer, frame string) {
	var l look
	for row, line := range strings.Split(frame, "\n") {
		column := 0
		emit := func(text string) {
			n := len([]rune(text))
			if strings.TrimSpace(text) != "" || l.reverse {
				drawText(b, row, column, text, l)
			}
			column += n
		}
		rest := line
		for rest != "" {
			at := control.FindStringSubmatchIndex(rest)
			if at == nil {
				emit(rest)
				break
			}
			emit(rest[:at[0]])
			if at[2] >= 0 {
				l.apply(rest[at[2]:at[3]])
			}
			rest = rest[at[1]:]
		}
	}
}

// drawText draws text of one look at its place in the grid, whatever font the
// reader has.
func drawText(b *bytes.Buffer, row, column int, text string, l look) {
	n := len([]rune(text))
	x, y := float64(column)*cellWidth, row*cellHeight
	if l.reverse {
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#e6edf3"/>`, x, y, float64(n)*cellWidth, cellHeight)
		l.colour = "#0d1117"
	}
	trimmed := strings.TrimRight(text, " ")
	fmt.Fprintf(b, `<text x="%.1f" y="%d" textLength="%.1f"%s>`, x, y+baseline, float64(len([]rune(trimmed)))*cellWidth, l.style())
	_ = xml.EscapeText(b, []byte(trimmed)) // a buffer takes everything
	b.WriteString("</text>\n")
}
