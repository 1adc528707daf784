package generalise

import (
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/profile"
)

// usage is how the files directly in one directory were opened.
type usage struct {
	path       []string
	made, read int // files that the workload made, and that it only read
	access     event.Access
	own        bool // the directory is one of data
}

// usages are directories by their paths.
type usages map[string]*usage

// ownDirectories returns the directories in which the workload makes files, and those in
// which it reads files of others.
func ownDirectories(opens []profile.Open) []profile.Directory {
	all := make(usages)
	for i := range opens {
		all.add(&opens[i])
	}
	all.markParents()
	var found []profile.Directory
	covered := ""
	for _, path := range slices.SortedFunc(maps.Keys(all), byDirectory) {
		u := all[path]
		if covered != "" && strings.HasPrefix(path, covered) {
			continue
		}
		switch {
		case u.own && all.wholly(u):
			found = append(found, all.data(u, glob.Wildcard))
			covered = path + "/"
		case u.own:
			found = append(found, all.data(u, glob.Dynamic))
		case u.read >= filesOfContent && len(u.path) > 2:
			found = append(found, profile.Directory{Path: path + "/" + glob.Wildcard, Class: profile.DirectoryContent})
		case u.read >= filesOfContent:
			found = append(found, profile.Directory{Path: path + "/" + glob.Dynamic, Class: profile.DirectoryContent})
		}
	}
	return withoutInner(found)
}

// byDirectory orders paths so that the contents of a directory follow it.
func byDirectory(a, b string) int {
	return strings.Compare(strings.ReplaceAll(a, "/", "\x00"), strings.ReplaceAll(b, "/", "\x00"))
}

// add notes an open for the directory that it is in.
func (all usages) add(o *profile.Open) {
	segments, ok := segmentsOf(o)
	if !ok || len(o.Flags) == 0 {
		return
	}
	directory := segments[:len(segments)-1]
	if !mayBeOwned(directory) {
		return
	}
	access := profile.AccessOf(o.Flags)
	if profile.DirectoryData.Excepts([]byte(o.Path), access) {
		return
	}
	u := all.at(directory)
	u.access |= access
	// An image may bring the first log, so where only state lies writing says enough.
	u.own = u.own || access&event.AccessWrite != 0 && isState(directory)
	switch {
	case slices.Contains(o.Flags, FlagCreated):
		u.made++
		u.own = u.own || u.made >= filesOfData
	case access == event.AccessRead && !slices.Contains(o.Flags, FlagImage) && !profile.DirectoryContent.Excepts([]byte(o.Path), access):
		u.read++
	}
}

func (all usages) at(directory []string) *usage {
	path := joinPath(directory)
	u := all[path]
	if u == nil {
		u = &usage{path: slices.Clone(directory)}
		all[path] = u
	}
	return u
}

// markParents makes a directory of two directories of data one of data too.
func (all usages) markParents() {
	deepest := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	children := make(map[string]int)
	for len(deepest) > 0 {
		path := deepest[0]
		deepest = deepest[1:]
		u := all[path]
		parent := u.path[:len(u.path)-1]
		if !u.own || !mayBeOwned(parent) || isShared(parent) {
			continue
		}
		key := joinPath(parent)
		if children[key]++; children[key] == 2 && (all[key] == nil || !all[key].own) {
			p := all.at(parent)
			p.own = true
			deepest = append(deepest, key)
		}
	}
}

// wholly reports whether all below a directory of data is the workload's: it is no
// directory that others share, and somewhere below it the workload writes too.
func (all usages) wholly(u *usage) bool {
	if isShared(u.path) || len(u.path) < 3 {
		return false
	}
	below := joinPath(u.path) + "/"
	for path, inner := range all {
		if inner.access&event.AccessWrite != 0 && strings.HasPrefix(path, below) {
			return true
		}
	}
	return false
}

// data returns the directory of data, with the access that the files in it were opened
// with.
func (all usages) data(u *usage, files string) profile.Directory {
	path := joinPath(u.path)
	access := u.access
	if files == glob.Wildcard {
		for other, inner := range all {
			if strings.HasPrefix(other, path+"/") {
				access |= inner.access
			}
		}
	}
	flags := []string{FlagCreated}
	switch access {
	case event.AccessRead | event.AccessWrite:
		flags = append(flags, "O_RDWR")
	case event.AccessWrite:
		flags = append(flags, "O_WRONLY")
	default:
		flags = append(flags, "O_RDONLY")
	}
	return profile.Directory{Path: path + "/" + files, Class: profile.DirectoryData, Flags: flags}
}

// withoutInner leaves out the directories that another one of their class holds.
func withoutInner(found []profile.Directory) []profile.Directory {
	return slices.DeleteFunc(slices.Clone(found), func(d profile.Directory) bool {
		return slices.ContainsFunc(found, func(outer profile.Directory) bool {
			return outer.Path != d.Path && outer.Class == d.Class && d.Access()&^outer.Access() == 0 &&
				strings.HasSuffix(outer.Path, "/"+glob.Wildcard) && strings.HasPrefix(d.Path, outer.Itself()+"/")
		})
	})
}

// mayBeOwned reports whether a directory may be the workload's own: not one for
// programs, configuration or the kernel's own files, nor one in which everybody
// writes.
func mayBeOwned(directory []string) bool {
	if len(directory) < 2 || imageOwned[directory[1]] || kernelOwned[directory[1]] || directory[1] == "root" {
		return false
	}
	path := strings.Join(directory[1:], "/")
	return !everybodys[path] && !strings.HasPrefix(path, "var/spool/cron") && !strings.HasPrefix(path, "run/secrets") && !strings.HasPrefix(path, "var/run/secrets") && !(directory[1] == "home" && len(directory) < 4)
}

// everybodys are directories in which any program makes files.
var everybodys = map[string]bool{
	"tmp": true, "var": true, "var/tmp": true, "run": true, "var/run": true, "run/lock": true, "home": true,
}

// isShared reports whether a directory holds those of several programs.
func isShared(directory []string) bool {
	path := strings.Join(directory[1:], "/")
	switch path {
	case "var/log", "var/lib", "var/cache", "var/spool", "var/mail", "var/opt", "var/www", "opt", "srv", "mnt", "media", "run", "tmp":
		return true
	}
	return len(directory) < 2
}

// isState reports whether only state is kept in a directory, so that one file which the
// workload made shows that it is the workload's: it lies below /var, or is named so.
func isState(directory []string) bool {
	if directory[1] == "var" && len(directory) > 3 && directory[2] != "www" || directory[1] == "run" && len(directory) > 2 {
		return true
	}
	return stateNames[directory[len(directory)-1]]
}

var stateNames = map[string]bool{
	"log": true, "logs": true, "spool": true, "cache": true, "data": true, "db": true, "queue": true, "sessions": true,
	"upload": true, "uploads": true, "tmp": true, "temp": true, "run": true, "backup": true, "backups": true, "state": true,
}
