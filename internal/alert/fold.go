package alert

import (
	"slices"
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/interpreter"
	"bobwatch/internal/names"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/sensitive"
)

// The bounds of a folder's memory.
const (
	maxFolded   = 4_096 // names and commands in all: then it begins afresh
	maxOfAKind  = 16    // that a new one is compared with
	maxFoldName = 1024  // bytes of a path or a command
)

// folder gives the names of one family the name that came first, so that a random part
// of a name makes no new incident, even if the family was not learned.
type folder struct {
	seen map[string][]string
	size int
}

// fold is a folder for the acts of one subject that break one rule.
type fold struct {
	*folder
	scope string
}

// path returns an opened path with what changes from run to run replaced, as
// the learner does, and then each name by the first of its family in the scope. A
// sensitive file is no member of any family.
func (f fold) path(e *event.Event) string {
	if tree, ok := imageTree(e); ok {
		return tree
	}
	path := foldPath(string(e.Path))
	if _, special := sensitive.Grade(e.Path); special || len(path) > maxFoldName {
		return path
	}
	origin := names.Found
	if e.Has(event.FlagCreated) || e.Kind == event.KindChange {
		origin = names.Made
	}
	segments := strings.Split(path, "/")
	for i := 2; i < len(segments); i++ {
		if !generalise.MayBeFamily(segments[:i], origin) || names.HasPattern(segments[i]) || segments[i] == names.Any {
			continue
		}
		segments[i] = f.first(f.scope+"\x00"+strings.Join(segments[:i], "/"), segments[i], func(earlier, name string) bool {
			_, ok := names.Family(earlier, name, origin)
			return ok
		})
	}
	return strings.Join(segments, "/")
}

// imageTree returns the tree of the image whose file was read: reads of one tree are one
// incident.
func imageTree(e *event.Event) (pattern string, ok bool) {
	if !e.Has(event.FlagLowerLayer) || e.Has(event.FlagMount) || e.Access != event.AccessRead {
		return "", false
	}
	return generalise.Tree(string(e.Path))
}

// args does the same for the arguments of a program: two commands are one
// incident if the learner would make one pattern of them. Code is never folded.
func (f fold) args(program string, args []string) []string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = names.QuoteArg(arg)
	}
	folded := foldArgs(program, quoted)
	if interpreter.Is([]byte(program), []byte(strings.Join(args, "\x00"))) {
		return folded
	}
	joined := strings.Join(folded, "\x00")
	if len(joined) > maxFoldName {
		return folded
	}
	return strings.Split(f.first(f.scope+"\x00"+program, joined, func(earlier, command string) bool {
		a, b := strings.Split(earlier, "\x00"), strings.Split(command, "\x00")
		return len(a) == len(b) && len(generalise.Args(program, [][]string{a, b}, generalise.DefaultThresholds())) == 1
	}), "\x00")
}

// first returns the first name of the family of name.
func (f *folder) first(scope, name string, family func(earlier, name string) bool) string {
	known := f.seen[scope]
	for _, earlier := range known {
		if earlier == name || family(earlier, name) {
			return earlier
		}
	}
	if f.size++; f.seen == nil || f.size > maxFolded {
		f.seen, f.size = make(map[string][]string), 1
		known = nil
	}
	if len(known) == maxOfAKind {
		known = slices.Delete(known, 0, 1)
	}
	f.seen[scope] = append(known, name)
	return name
}

// foldPath replaces what changes from run to run in an opened path by the look
// of it. A path that cannot be folded is returned as it is.
func foldPath(path string) string {
	set := generalise.NewPathSet(generalise.DefaultThresholds())
	if pattern, _, ok := set.Observe(path, nil); ok {
		return pattern
	}
	return names.QuotePath(path)
}

// foldArgs does the same for the arguments of a program.
func foldArgs(program string, args []string) []string {
	folded := generalise.Args(program, [][]string{args}, generalise.DefaultThresholds())
	if len(folded) != 1 {
		return args
	}
	return folded[0]
}
