package learner

import (
	"bytes"

	"bobwatch/internal/event"
	"bobwatch/internal/sensitive"
)

// pathsFull reports whether there is no room for another path.
func (l *learned) pathsFull() bool { return l.opens.Len()+l.changes.Len() >= maxSegments }

// observeChange learns a change, refused or not. A link to a sensitive file is an
// act on that file as well.
func (l *Learner) observeChange(e *event.Event) bool {
	if e.Has(event.FlagMemfd) || !bytes.Contains(e.Path, slash) {
		l.counts.Nameless++
		return false
	}
	added := l.learnChange(e, string(e.Path))
	if _, special := sensitive.Grade(e.Target); special {
		added = l.learnChange(e, string(e.Target)) || added
	}
	return added
}

func (l *Learner) learnChange(e *event.Event, path string) bool {
	act := e.Change.String()
	switch {
	case len(path) > maxPathBytes:
		l.counts.Unwritable++
		return false
	case l.changes.Contains([]byte(path), act):
		return false
	case l.pathsFull():
		l.counts.Full++
		return false
	}
	pattern, added, ok := l.changes.Observe(path, []string{act})
	if !ok {
		l.counts.Unwritable++
	}
	if added {
		l.tell(e, Fact{Kind: FactChange, Path: pattern, Act: e.Change})
	}
	return added
}
