package match

import (
	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/profile"
)

// directories finds the directories that a file is in.
type directories struct {
	paths      *glob.Paths
	themselves *glob.Paths           // the directories, which may be read
	entries    [][]profile.Directory // by leaf of paths; one of each class
}

type directoriesBuilder struct {
	paths, themselves glob.PathsBuilder
	entries           [][]profile.Directory
}

func (b *directoriesBuilder) add(entries []profile.Directory) {
	for _, d := range entries {
		b.themselves.Add(d.Itself())
		leaf, ok := b.paths.Add(d.Path)
		if !ok {
			continue
		}
		for int(leaf) >= len(b.entries) {
			b.entries = append(b.entries, nil)
		}
		b.entries[leaf] = append(b.entries[leaf], d)
	}
}

func (b *directoriesBuilder) build() directories {
	return directories{paths: b.paths.Build(), themselves: b.themselves.Build(), entries: b.entries}
}

// DirectoryChange reports whether a directory of the workload's own that path is in
// allows a change.
func (m *Matcher) DirectoryChange(path []byte, act event.ChangeAct) bool {
	allowed := false
	m.directories.paths.Match(path, func(leaf uint32) bool {
		for i := range m.directories.entries[leaf] {
			allowed = allowed || m.directories.entries[leaf][i].Class.AllowsChange(path, act)
		}
		return allowed
	})
	return allowed
}

// Directory judges an open of path by the directories that it is in. image says that
// the file is one of the image that nobody wrote. DetailUnknown says that the workload
// owns the file and uses it in another way than it did.
func (m *Matcher) Directory(path []byte, access event.Access, image bool) Verdict {
	verdict := PathUnknown
	if access&event.AccessWrite == 0 {
		m.directories.themselves.Match(path, func(uint32) bool {
			verdict = Allowed
			return true
		})
	}
	if verdict == Allowed {
		return verdict
	}
	m.directories.paths.Match(path, func(leaf uint32) bool {
		for i := range m.directories.entries[leaf] {
			d := &m.directories.entries[leaf][i]
			if d.Class == profile.DirectoryImage && !image || d.Class.Excepts(path, access) {
				continue
			}
			if access&^d.Access() == 0 {
				verdict = Allowed
				return true
			}
			if d.Class == profile.DirectoryData {
				verdict = DetailUnknown
			}
		}
		return false
	})
	return verdict
}

// Opened judges an open that happened, by what is known of its file: by the entries
// for files, and by the directories as a whole.
func (m *Matcher) Opened(e *event.Event) (entry, directory Verdict) {
	entry, directory = m.OpenWritten(e.Path, e.Access), PathUnknown
	if entry != Allowed && !e.Has(event.FlagUpperLayer) {
		entry = m.Open(e.Path, e.Access)
	}
	if entry != Allowed && inDirectory(e) {
		directory = m.Directory(e.Path, e.Access, e.Has(event.FlagLowerLayer) && !e.Has(event.FlagMount))
	}
	return entry, directory
}

// inDirectory reports whether an entry for a directory may allow the open: the place of
// the file is certain, and the open does not bypass the watched system calls.
func inDirectory(e *event.Event) bool {
	const uncertain = event.FlagCallerPath | event.FlagPathTruncated | event.FlagOutside | event.FlagIOUring | event.FlagSensitive
	return e.Flags&uncertain == 0
}
