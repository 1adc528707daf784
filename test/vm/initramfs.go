package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// An archive writes a cpio archive in the "newc" form, which the kernel unpacks
// into its first root file system (Documentation/driver-api/early-userspace).
// The first error sticks and is returned by close.
type archive struct {
	w    io.Writer
	dirs map[string]bool // directories already in the archive
	err  error
}

const (
	modeDir  = 0o040755
	modeFile = 0o100755
)

func newArchive(w io.Writer) *archive {
	return &archive{w: w, dirs: map[string]bool{".": true}}
}

// add writes a regular, executable file and the directories that lead to it.
// The name is relative to the root.
func (a *archive) add(name string, content []byte) {
	a.addDir(path.Dir(name))
	a.entry(name, modeFile, content)
}

// addDir writes a directory and its parents, once each.
func (a *archive) addDir(name string) {
	if a.dirs[name] {
		return
	}
	a.addDir(path.Dir(name))
	a.dirs[name] = true
	a.entry(name, modeDir, nil)
}

// addFile writes the host's file under the given name.
func (a *archive) addFile(name, host string) {
	content, err := os.ReadFile(host)
	if err != nil {
		a.fail(err)
		return
	}
	a.add(name, content)
}

// addTree writes the host's directory under the given name. Only directories
// and regular files are taken; a directory that does not exist is no error.
func (a *archive) addTree(name, host string) {
	if _, err := os.Stat(host); os.IsNotExist(err) {
		return
	}
	a.fail(filepath.WalkDir(host, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		below, err := filepath.Rel(host, file)
		if err != nil {
			return err
		}
		a.addFile(path.Join(name, filepath.ToSlash(below)), file)
		return a.err
	}))
}

// close ends the archive.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil)
	return a.err
}

// entry writes a header of 13 hexadecimal fields, the name with its NUL and the
// content, the latter two padded to 4 bytes.
func (a *archive) entry(name string, mode uint32, content []byte) {
	if a.err != nil {
		return
	}
	const headerLen = 110
	_, err := fmt.Fprintf(a.w, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00%s%s%s",
		0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0,
		name, padding(headerLen+len(name)+1), content, padding(len(content)))
	a.fail(err)
}

func (a *archive) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// padding returns the NULs that make n a multiple of 4.
func padding(n int) string {
	return "\x00\x00\x00"[:-n&3]
}
