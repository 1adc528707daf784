package profile

import (
	"cmp"
	"slices"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/names"
	"bobwatch/internal/sensitive"
)

// DirectoryClasses are all of them, sorted.
var DirectoryClasses = []DirectoryClass{DirectoryContent, DirectoryData, DirectoryImage}

// Access returns the access to files that d allows.
func (d *Directory) Access() event.Access {
	if d.Class == DirectoryData {
		return AccessOf(d.Flags)
	}
	return event.AccessRead
}

// Excepts reports whether a directory of a class does not allow a file because of its
// name, however its path matches.
func (c DirectoryClass) Excepts(path []byte, access event.Access) bool {
	switch {
	case sensitive.IsSecret(path):
		return true
	case c == DirectoryImage:
		return false
	case sensitive.IsOdd(path):
		return true
	case c == DirectoryContent:
		return sensitive.IsCode(path)
	case c == DirectoryData && access&event.AccessWrite != 0:
		return sensitive.IsCode(path) || sensitive.IsConfiguration(path)
	}
	return false
}

// keeps are the changes of files that a workload makes in its own directories. None
// gives anybody rights or makes a program.
var keeps = ActsOf([]string{"rename", "unlink", "mkdir", "rmdir", "truncate", "mknod", "chmod", "chown"})

// AllowsChange reports whether a directory of a class allows a change of a file that it
// holds.
func (c DirectoryClass) AllowsChange(path []byte, act event.ChangeAct) bool {
	return c.changes(path).Has(act)
}

// changes returns the acts that a directory of a class allows on a file that it holds.
func (c DirectoryClass) changes(path []byte) Acts {
	if c != DirectoryData || c.Excepts(path, event.AccessWrite) {
		return 0
	}
	return keeps
}

// Itself returns the directory that a pattern of files is about, "" for a pattern of
// another form.
func (d *Directory) Itself() string {
	for _, ending := range []string{"/" + glob.Dynamic, "/" + glob.Wildcard} {
		if n := len(d.Path) - len(ending); n > 0 && d.Path[n:] == ending {
			return d.Path[:n]
		}
	}
	return ""
}

// opens returns d as opens, which know neither layers nor exceptions.
func (d *Directory) opens() []Open {
	flags := []string{"O_RDONLY"}
	if d.Class == DirectoryData {
		flags = d.Flags
	}
	return []Open{{Path: d.Path, Flags: flags}, {Path: d.Itself(), Flags: []string{"O_RDONLY"}}}
}

// DirectoryOpens returns c's directories as opens. These allow more: opens know neither
// layers nor exceptions.
func (c *Container) DirectoryOpens() []Open {
	var opens []Open
	for i := range c.Directories {
		opens = append(opens, c.Directories[i].opens()...)
	}
	return NormaliseOpens(opens)
}

// NormaliseDirectories returns the directories in order, those of one path and class
// joined.
func NormaliseDirectories(directories []Directory) []Directory {
	sorted := slices.Clone(directories)
	for i := range sorted {
		sorted[i].Path = names.CanonicalPath(sorted[i].Path)
	}
	slices.SortStableFunc(sorted, func(a, b Directory) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Class, b.Class))
	})
	joined := sorted[:0]
	for _, d := range sorted {
		d.Flags = sortedSet(d.Flags)
		if last := len(joined) - 1; last >= 0 && joined[last].Path == d.Path && joined[last].Class == d.Class {
			joined[last].Flags = JoinFlags(joined[last].Flags, d.Flags)
			continue
		}
		joined = append(joined, d)
	}
	return nonEmptySlice(joined)
}

// lackingDirectories returns the directories that neither an entry of the same class
// nor the opens of have cover.
func lackingDirectories(have *Container, want []Directory) []Directory {
	return nonEmptySlice(slices.DeleteFunc(slices.Clone(want), func(w Directory) bool {
		return slices.ContainsFunc(have.Directories, func(h Directory) bool { return h.covers(&w) }) ||
			len(lackingOpens(have.Opens, w.opens())) == 0
	}))
}

func (d *Directory) covers(w *Directory) bool {
	covered := false
	glob.NewIndex(false, 1, func(int) string { return d.Path }).Covering(w.Path, func(int) bool {
		covered = true
		return true
	})
	return covered && d.Class == w.Class && w.Access()&^d.Access() == 0
}

// lackingInDirectories returns the opens that no directory covers either. An entry with
// wildcards may stand for a file that a directory excepts, so none covers it.
func lackingInDirectories(directories []Directory, opens []Open) []Open {
	if len(directories) == 0 {
		return opens
	}
	index := glob.NewIndex(false, len(directories), func(i int) string { return directories[i].Path })
	itself := glob.NewIndex(false, len(directories), func(i int) string { return directories[i].Itself() })
	return nonEmptySlice(slices.DeleteFunc(opens, func(o Open) bool {
		path, ok := glob.LiteralPath(o.Path)
		if !ok {
			return false
		}
		wanted, covered := AccessOf(o.Flags), false
		index.Covering(o.Path, func(i int) bool {
			d := &directories[i]
			covered = wanted&^d.Access() == 0 && !d.Class.Excepts([]byte(path), wanted)
			return covered
		})
		if !covered && wanted&event.AccessWrite == 0 {
			itself.Covering(o.Path, func(int) bool {
				covered = true
				return true
			})
		}
		return covered
	}))
}
