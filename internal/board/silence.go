package board

import (
	"fmt"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"bobwatch/internal/alert"
	"bobwatch/internal/term"
)

// spans are how long a silence may last.
var spans = []struct {
	name string
	span time.Duration
}{
	{"1 day", 24 * time.Hour}, {"7 days", 7 * 24 * time.Hour}, {"30 days", 30 * 24 * time.Hour},
}

const maxReason = 200

// silenceForm asks how long and why.
type silenceForm struct {
	from   mode
	span   int // of spans
	reason string
}

func (b *board) startSilencing(from mode) {
	b.silence, b.mode, b.scroll = silenceForm{from: from, span: 1}, silencing, 0
}

// entries returns the silences to write.
func (b *board) entries() []string {
	f := &b.silence
	return alert.Silences(b.open, strings.TrimSpace(f.reason), b.now().Add(spans[f.span].span))
}

func (b *board) silenceKey(k tea.KeyPressMsg) {
	f := &b.silence
	switch key := k.String(); key {
	case "esc":
		b.back(f.from)
	case "tab", "right":
		f.span = (f.span + 1) % len(spans)
	case "shift+tab", "left":
		f.span = (f.span + len(spans) - 1) % len(spans)
	case "backspace":
		if runes := []rune(f.reason); len(runes) > 0 {
			f.reason = string(runes[:len(runes)-1])
		}
	case "enter":
		b.writeSilence()
	default:
		if k.Text != "" && len(f.reason) < maxReason {
			f.reason += term.Escape(k.Text)
		}
	}
}

func (b *board) writeSilence() {
	entries := b.entries()
	if len(entries) == 0 || strings.TrimSpace(b.silence.reason) == "" {
		return // the view shows the missing field
	}
	err := appendEntries(b.Silences, entries)
	b.back(b.silence.from)
	if err != nil {
		b.note = "not written: " + term.Escape(err.Error())
		return
	}
	b.note = "added to " + b.Silences + ". Next: put its entries under alerts.silences of the agents' configuration"
}

// appendEntries adds to a list in YAML.
func appendEntries(path string, entries []string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(file, "- %s\n", strings.Join(entries, "\n- ")); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
