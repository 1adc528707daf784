// Package support knows the acts that a program does not decide by itself: calls that the
// kernel, libc or a language's runtime make at their own time, files that every libc
// reads, and the companions of an ability that the program has anyway.
//
// A document names its sets by name and version, so that a reader sees them and a
// signature covers them. A version never changes, so a document allows exactly what was
// signed. No member helps an intruder: no call is graded above low, except for kill, and
// no file is a sensitive one, writable or code.
package support

//go:generate go test -run ^TestPage$ . -update-page

import (
	"fmt"
	"slices"
	"strings"
)

// Set is one version of a support set.
type Set struct {
	Name    string
	Version int
	// About says in a sentence whose doing the members are.
	About string
	Calls []Calls
	// Opens are patterns of files, for reading. They hold for files that were not
	// written in the container.
	Opens []string
	// shown are names of files whose opening shows that the set belongs to a
	// workload; a name that ends in * is the beginning of one.
	shown []string
}

// Calls are system calls that belong to a workload which lists one of With, or to
// any if that is empty. Neither is ever a member of the other.
type Calls struct {
	With  []string
	Names []string
}

// ID is how documents name the set.
func (s *Set) ID() string { return fmt.Sprintf("%s/%d", s.Name, s.Version) }

// All returns every version of every set, in the order of their ids.
func All() []*Set { return sets }

// Lookup finds a set by its id.
func Lookup(id string) (*Set, bool) {
	i := slices.IndexFunc(sets, func(s *Set) bool { return s.ID() == id })
	if i < 0 {
		return nil, false
	}
	return sets[i], true
}

// Observed returns the ids of the sets, sorted, whose members belong to a workload
// that made some of the calls and opened some of the files.
func Observed(calls, opens []string) []string {
	if len(calls) == 0 {
		return nil
	}
	var ids []string
	for _, s := range sets {
		if s.isShownBy(opens) || s.isCompanionOf(calls) {
			ids = append(ids, s.ID())
		}
	}
	return ids
}

func (s *Set) isShownBy(opens []string) bool {
	return slices.ContainsFunc(opens, func(path string) bool {
		name := path[strings.LastIndexByte(path, '/')+1:]
		return slices.ContainsFunc(s.shown, func(shown string) bool {
			start, isStart := strings.CutSuffix(shown, "*")
			return name == shown || isStart && strings.HasPrefix(name, start)
		})
	})
}

// isCompanionOf reports whether all members of s depend on calls, and some of these
// were made.
func (s *Set) isCompanionOf(calls []string) bool {
	if len(s.shown) > 0 {
		return false
	}
	return slices.ContainsFunc(s.Calls, func(c Calls) bool { return c.Applies(calls) })
}

// Applies reports whether the calls belong to a workload that lists these.
func (c *Calls) Applies(listed []string) bool {
	return len(c.With) == 0 || slices.ContainsFunc(c.With, func(name string) bool { return slices.Contains(listed, name) })
}
