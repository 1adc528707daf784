package generalise

import (
	"slices"
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/names"
	"bobwatch/internal/profile"
	"bobwatch/internal/sensitive"
)

// Flags of opens that only facts have. They say how a file came about, and a profile
// keeps the first alone.
const (
	FlagCreated = "O_CREAT"    // the open made the file
	FlagImage   = "FROM_IMAGE" // the file was one of the image that nobody had written
	FlagWritten = "WRITTEN"    // it was not any more
)

// isFactFlag reports whether a flag says nothing about the access.
func isFactFlag(flag string) bool {
	return flag == FlagCreated || flag == FlagImage || flag == FlagWritten
}

// How many files of a directory have to be known before its others are allowed.
const (
	filesOfTree    = 3 // of the image
	filesOfContent = 3
	filesOfData    = 2 // that the workload made
)

// wholeDirectories returns the directories that opens show as a whole, and the opens
// that they do not allow.
func wholeDirectories(known []profile.Directory, opens []profile.Open) ([]profile.Directory, []profile.Open) {
	found := slices.Concat(known, imageTrees(opens))
	found = append(found, ownDirectories(opens)...)
	found = profile.NormaliseDirectories(found)
	if len(found) == 0 {
		return nil, opens
	}
	return found, outside(found, opens)
}

// withoutFacts returns the opens as a profile has them.
func withoutFacts(opens []profile.Open) []profile.Open {
	kept := slices.Clone(opens)
	for i := range kept {
		kept[i].Flags = slices.DeleteFunc(slices.Clone(kept[i].Flags), func(flag string) bool {
			return flag == FlagImage || flag == FlagWritten
		})
	}
	return kept
}

// segmentsOf returns the segments of the path of an open that a directory may stand
// for: absolute, and no secret.
func segmentsOf(o *profile.Open) ([]string, bool) {
	segments, ok := splitPath(o.Path)
	if !ok || segments[0] != "" || len(segments) < 3 || sensitive.IsSecret([]byte(o.Path)) || slices.Contains(segments, glob.Wildcard) {
		return nil, false
	}
	return segments, true
}

// imageTrees returns the trees of the image in which a few files were read.
func imageTrees(opens []profile.Open) []profile.Directory {
	files := make(map[string]int)
	for i := range opens {
		o := &opens[i]
		segments, ok := segmentsOf(o)
		if !ok || !slices.Contains(o.Flags, FlagImage) || profile.AccessOf(o.Flags)&event.AccessWrite != 0 {
			continue
		}
		if root, ok := treeOf(segments); ok {
			files[root]++
		}
	}
	var trees []profile.Directory
	for root, n := range files {
		if n >= filesOfTree {
			trees = append(trees, profile.Directory{Path: root, Class: profile.DirectoryImage})
		}
	}
	return trees
}

// Tree returns the pattern of the tree of an image that a file belongs to by its place,
// and whether it belongs to one.
func Tree(path string) (pattern string, ok bool) {
	o := profile.Open{Path: names.QuotePath(path)}
	segments, ok := segmentsOf(&o)
	if !ok {
		return "", false
	}
	return treeOf(segments)
}

// packageDirectories hold packages of a language, wherever they are.
var packageDirectories = map[string]bool{
	"site-packages": true, "dist-packages": true, "node_modules": true, "bower_components": true,
	"gems": true, "vendor": true, "vendor_ruby": true, "perl5": true, "WEB-INF": true,
}

// sharedDirectories are parents of directories that have nothing to do with each other.
// Their value says whether the files in them are a tree of their own.
var sharedDirectories = map[string]bool{
	"usr": false, "usr/local": false, "usr/local/share": true, "usr/local/lib": true, "usr/local/lib64": true,
	"usr/share": true, "usr/lib": true, "usr/lib32": true, "usr/lib64": true, "usr/libx32": true, "usr/libexec": false, "usr/src": false,
	"lib": true, "lib32": true, "lib64": true, "libx32": true, "opt": false, "srv": true, "var/www": true, "var/lib": false,
	"etc/ssl": false, "etc/pki": false, "home": false,
}

// treeOf returns the tree of an image that a file belongs to: all packages of a language
// together, the libraries of one directory, and else the directory that lies directly
// below one that is shared.
func treeOf(segments []string) (string, bool) {
	last := len(segments) - 1
	for i, name := range segments[:last] {
		if i >= 2 && packageDirectories[name] {
			return joinPath(segments[:i+1]) + "/" + glob.Wildcard, true
		}
	}
	shared, files := sharedDepth(segments[:last])
	name := segments[shared+1]
	switch {
	case shared == 0 && systemDirectories[name], notTrees[name]:
		return "", false
	case shared == last-1:
		return joinPath(segments[:last]) + "/" + glob.Dynamic, files
	}
	return joinPath(segments[:shared+2]) + "/" + glob.Wildcard, true
}

// sharedDepth returns how many names of a directory lead to the deepest shared one, and
// whether the files in that are a tree of their own.
func sharedDepth(directory []string) (depth int, files bool) {
	for i := 1; i < len(directory); i++ {
		own, shared := sharedDirectories[strings.Join(directory[1:i+1], "/")]
		switch {
		case shared:
			depth, files = i, own
		case depth == i-1 && depth > 0 && files && strings.Contains(directory[i], "-linux-"), i == 2 && directory[1] == "home":
			depth = i
		}
	}
	return depth, files
}

// notTrees are directories below a shared one that hold programs and configuration.
var notTrees = map[string]bool{"bin": true, "sbin": true, "etc": true, "private": true}

// systemDirectories are top-level directories that are no tree of one application.
var systemDirectories = map[string]bool{
	"bin": true, "boot": true, "dev": true, "etc": true, "home": true, "lib": true, "lib32": true, "lib64": true, "libx32": true,
	"media": true, "mnt": true, "opt": true, "proc": true, "root": true, "run": true, "sbin": true, "srv": true, "sys": true,
	"tmp": true, "usr": true, "var": true,
}

// outside returns the opens that no directory allows.
func outside(directories []profile.Directory, opens []profile.Open) []profile.Open {
	index := glob.NewIndex(false, len(directories), func(i int) string { return directories[i].Path })
	return slices.DeleteFunc(slices.Clone(opens), func(o profile.Open) bool {
		access, allowed := profile.AccessOf(o.Flags), false
		path, ok := glob.LiteralPath(o.Path)
		if !ok || len(o.Flags) == 0 {
			return false // a pattern may stand for files that a directory excepts
		}
		ofImage := slices.Contains(o.Flags, FlagImage) && !slices.Contains(o.Flags, FlagWritten)
		index.Covering(o.Path, func(i int) bool {
			d := &directories[i]
			allowed = access&^d.Access() == 0 && !d.Class.Excepts([]byte(path), access) && (ofImage || d.Class != profile.DirectoryImage)
			return allowed
		})
		return allowed
	})
}
