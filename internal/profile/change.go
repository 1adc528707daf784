package profile

import (
	"cmp"
	"slices"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/names"
)

// Acts is a set of event.ChangeAct.
type Acts uint32

// ActsOf returns the acts with these names; others are left out.
func ActsOf(names []string) (acts Acts) {
	for _, name := range names {
		if act, ok := event.ParseChangeAct(name); ok {
			acts.Add(act)
		}
	}
	return acts
}

// Add adds an act to the set.
func (a *Acts) Add(act event.ChangeAct) { *a |= 1 << (act % 32) }

// Has reports whether the set has an act.
func (a Acts) Has(act event.ChangeAct) bool { return a&(1<<(act%32)) != 0 }

// NormaliseChanges returns the changes in order, those of one path joined.
func NormaliseChanges(changes []Change) []Change {
	sorted := slices.Clone(changes)
	for i := range sorted {
		sorted[i].Path = names.CanonicalPath(sorted[i].Path)
	}
	slices.SortStableFunc(sorted, func(a, b Change) int { return cmp.Compare(a.Path, b.Path) })
	joined := sorted[:0]
	for _, change := range sorted {
		change.Acts = sortedSet(change.Acts)
		if last := len(joined) - 1; last >= 0 && joined[last].Path == change.Path {
			joined[last].Acts = sortedSet(slices.Concat(joined[last].Acts, change.Acts))
			continue
		}
		joined = append(joined, change)
	}
	return nonEmptySlice(joined)
}

func lackingChanges(c *Container, want []Change) []Change {
	have := c.Changes
	index := glob.NewIndex(false, len(have), func(i int) string { return have[i].Path })
	directories := glob.NewIndex(false, len(c.Directories), func(i int) string { return c.Directories[i].Path })
	var lacks []Change
	for _, change := range want {
		var granted Acts
		index.Covering(change.Path, func(i int) bool {
			granted |= ActsOf(have[i].Acts)
			return false
		})
		if path, ok := glob.LiteralPath(change.Path); ok {
			directories.Covering(change.Path, func(i int) bool {
				granted |= c.Directories[i].Class.changes([]byte(path))
				return false
			})
		}
		change.Acts = slices.DeleteFunc(slices.Clone(change.Acts), func(name string) bool { return granted&ActsOf([]string{name}) != 0 })
		if len(change.Acts) > 0 {
			lacks = append(lacks, change)
		}
	}
	return lacks
}
