// Package board shows incidents in a terminal as they come, the worst first,
// and lets people open, accept, silence and copy them by keys.
//
// Its invariants: it changes nothing but two files, each after it has shown
// the text that it is about to write and the user has agreed; and the texts of incidents are
// printable before they get here (internal/story).
package board

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"bobwatch/internal/alert"
	"bobwatch/internal/story"
	"bobwatch/internal/term"
)

// Options are the inputs of a board.
type Options struct {
	Terminal *term.Terminal
	Source   story.Source
	Set      *story.Set
	Span     string // how long ago it begins, for people
	// Allowances is the file of documents that accepted incidents go to, and
	// Silences the file of entries for the agent's configuration.
	Allowances, Silences string
}

// refresh is how often the agents are asked.
const refresh = 2 * time.Second

// mode decides the meaning of the keys.
type mode int

const (
	listing mode = iota
	reading
	accepting
	silencing
)

// board is the model of bubbletea.
type board struct {
	Options
	ctx           context.Context
	width, height int
	now           func() time.Time

	list    []*alert.Alert
	at      int // in list
	mode    mode
	open    *alert.Alert // of all modes but listing
	scroll  int
	plan    *plan
	silence silenceForm
	note    string // the result of the last key
	trouble string // why not everything is shown
	loaded  bool
}

// answer is an answer of the source.
type answer struct {
	incidents []alert.Alert
	trouble   error
}

type tick struct{}

// Run shows the board until the user quits or ctx ends.
func Run(ctx context.Context, o Options) error {
	b := &board{Options: o, ctx: ctx, width: 80, height: 24, now: time.Now}
	_, err := tea.NewProgram(b, tea.WithContext(ctx), tea.WithInput(o.Terminal.In), tea.WithOutput(o.Terminal.Out)).Run()
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return nil // an interruption is how it ends
	}
	return err
}

// Init implements tea.Model.
func (b *board) Init() tea.Cmd { return b.read }

// read asks the source. It runs concurrently with the board, one call at a time.
func (b *board) read() tea.Msg {
	var a answer
	var errs []error
	err := b.Source.Read(b.ctx, func(i alert.Alert) { a.incidents = append(a.incidents, i) }, func(where string, err error) {
		errs = append(errs, errors.New(term.Word(where)+": "+err.Error()))
	})
	a.trouble = errors.Join(append(errs, err)...)
	return a
}

// Update implements tea.Model.
func (b *board) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		b.width, b.height = msg.Width, msg.Height
	case answer:
		b.take(msg)
		return b, tea.Tick(refresh, func(time.Time) tea.Msg { return tick{} })
	case tick:
		return b, b.read
	case tea.KeyPressMsg:
		return b, b.key(msg)
	}
	return b, nil
}

// take updates the list; the selected incident stays where it is on the screen.
func (b *board) take(a answer) {
	b.loaded = true
	b.trouble = ""
	if a.trouble != nil {
		b.trouble = a.trouble.Error()
	}
	for _, i := range a.incidents {
		fresh := b.Set.Add(i)
		if fresh != nil && b.open != nil && b.open.ID == fresh.ID && b.open.Node == fresh.Node {
			b.open = fresh
		}
	}
	var selected *alert.Alert
	if b.at < len(b.list) {
		selected = b.list[b.at]
	}
	b.list = b.Set.Sorted()
	b.at = min(b.at, max(0, len(b.list)-1))
	for i, a := range b.list {
		if selected != nil && a.ID == selected.ID && a.Node == selected.Node {
			b.at = i
		}
	}
}

func (b *board) key(k tea.KeyPressMsg) tea.Cmd {
	if k.String() == "ctrl+c" {
		return tea.Quit
	}
	b.note = ""
	switch b.mode {
	case listing:
		return b.listKey(k.String())
	case reading:
		return b.readKey(k.String())
	case accepting:
		b.acceptKey(k.String())
	case silencing:
		b.silenceKey(k)
	}
	return nil
}

func (b *board) listKey(key string) tea.Cmd {
	switch key {
	case "q", "esc":
		return tea.Quit
	case "up", "k":
		b.at = max(0, b.at-1)
	case "down", "j":
		b.at = min(max(0, len(b.list)-1), b.at+1)
	case "home", "g":
		b.at = 0
	case "end", "G":
		b.at = max(0, len(b.list)-1)
	case "pgup":
		b.at = max(0, b.at-b.rows())
	case "pgdown", "space":
		b.at = min(max(0, len(b.list)-1), b.at+b.rows())
	case "enter", "right", "o", "a", "s", "c":
		if len(b.list) == 0 {
			return nil
		}
		b.open, b.scroll = b.list[b.at], 0
		if key == "a" || key == "s" || key == "c" {
			return b.act(key, listing)
		}
		b.mode = reading
	}
	return nil
}

func (b *board) readKey(key string) tea.Cmd {
	switch key {
	case "q":
		return tea.Quit
	case "esc", "left", "backspace":
		b.mode, b.open = listing, nil
	case "up", "k":
		b.scroll = max(0, b.scroll-1)
	case "down", "j":
		b.scroll++ // View bounds it
	case "pgup":
		b.scroll = max(0, b.scroll-b.rows())
	case "pgdown", "space":
		b.scroll += b.rows()
	case "a", "s", "c":
		return b.act(key, reading)
	}
	return nil
}

// act carries out a key on the open incident.
func (b *board) act(key string, from mode) tea.Cmd {
	switch key {
	case "a":
		b.startAccepting(from)
	case "s":
		b.startSilencing(from)
	case "c":
		b.note = "the story is in the clipboard, if the terminal allows it"
		text := story.Text(&term.Terminal{}, b.open, b.now())
		b.back(from)
		return tea.SetClipboard(text)
	}
	return nil
}

// back returns to where a key was pressed.
func (b *board) back(to mode) {
	b.mode, b.scroll = to, 0
	if to == listing {
		b.open = nil
	}
}
