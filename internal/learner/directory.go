package learner

import (
	"slices"
	"strings"

	"bobwatch/internal/profile"
)

// maxDirectories bounds the directories that a Learner takes over from others.
const maxDirectories = 1_024

// directoryText writes a directory as the path of a fact.
func directoryText(d profile.Directory) string {
	return string(d.Class) + " " + strings.Join(d.Flags, ",") + " " + d.Path
}

// parseDirectory reads what directoryText wrote.
func parseDirectory(text string) (d profile.Directory, ok bool) {
	class, rest, _ := strings.Cut(text, " ")
	flags, path, ok := strings.Cut(rest, " ")
	d = profile.Directory{Path: path, Class: profile.DirectoryClass(class)}
	if flags != "" {
		d.Flags = strings.Split(flags, ",")
	}
	return d, ok && d.Itself() != "" && slices.Contains(profile.DirectoryClasses, d.Class)
}

// restoreDirectory adds a directory that another learner found, and reports whether it
// was new.
func (l *learned) restoreDirectory(text string) (added bool) {
	d, ok := parseDirectory(text)
	if !ok {
		l.counts.Unwritable++
		return false
	}
	known := slices.ContainsFunc(l.directories, func(k profile.Directory) bool { return directoryText(k) == text })
	if known {
		return false
	}
	if len(l.directories) >= maxDirectories {
		l.counts.Full++
		return false
	}
	l.directories = append(l.directories, d)
	return true
}
