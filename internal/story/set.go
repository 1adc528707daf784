package story

import (
	"cmp"
	"maps"
	"slices"

	"bobwatch/internal/alert"
)

// maxStories bounds a Set: of more, those that ended first go.
const maxStories = 20_000

// Set holds the newest form of each incident.
type Set struct {
	Wanted func(*alert.Alert) bool // nil wants all
	byID   map[string]*alert.Alert
}

// Add takes an incident in. It returns nil if it is not wanted or known already.
func (s *Set) Add(a alert.Alert) *alert.Alert {
	if s.Wanted != nil && !s.Wanted(&a) {
		return nil
	}
	if s.byID == nil {
		s.byID = make(map[string]*alert.Alert)
	}
	key := a.Node + "/" + a.ID
	old := s.byID[key]
	if old != nil && (old.Count > a.Count || old.Count == a.Count && old.Story.Ended == a.Story.Ended && old.Severity == a.Severity) {
		return nil
	}
	if old == nil && len(s.byID) >= maxStories {
		oldest := slices.MinFunc(slices.Collect(maps.Values(s.byID)), func(a, b *alert.Alert) int { return a.Last.Compare(b.Last) })
		delete(s.byID, oldest.Node+"/"+oldest.ID)
	}
	s.byID[key] = &a
	return &a
}

// Find returns the incidents whose id begins so.
func (s *Set) Find(prefix string) (found []*alert.Alert) {
	for _, a := range s.Sorted() {
		if len(a.ID) >= len(prefix) && a.ID[:len(prefix)] == prefix {
			found = append(found, a)
		}
	}
	return found
}

// Sorted returns the incidents, the worst first; of equals those that go on, then
// the newest.
func (s *Set) Sorted() []*alert.Alert {
	return slices.SortedFunc(maps.Values(s.byID), func(a, b *alert.Alert) int {
		over := func(a *alert.Alert) int {
			if a.Story.Ended {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(over(a), over(b)),
			b.Last.Compare(a.Last), cmp.Compare(a.ID, b.ID))
	})
}
