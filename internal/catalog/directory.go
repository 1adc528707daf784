package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"bobwatch/internal/yamlfile"
)

// maxFiles bounds the files of a directory that are looked at.
const maxFiles = 4096

// A change is published once two looks in a row agree, so that a document and
// its signature that are copied one after the other arrive together. A
// directory that never comes to rest is published all the same.
const (
	lookInterval = 200 * time.Millisecond
	maxLooks     = 4
)

// ReadDirectory returns the documents in a directory. A document is <name>.yaml;
// <name>.yaml.sig or <name>.sigstore.json and <name>.values.yaml belong to it. It skips
// names that begin with a dot, and directories.
func ReadDirectory(path string) ([]Document, error) {
	names, err := fileNames(path)
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	files := make(map[string]file, len(names))
	for _, name := range names {
		_, suffix := split(name)
		data, err := readFile(filepath.Join(path, name), maxBytes(suffix))
		files[name] = file{data: data, err: err}
	}
	documents := assemble(files, func(name string) string { return filepath.Join(path, name) })
	for i := range documents {
		budget := MaxDocumentBytes
		if d := &documents[i]; d.Err == nil {
			d.Data, d.Err = inflate(d.Data, &budget)
		}
	}
	return documents, nil
}

// fileNames returns the names in a directory that may be of documents.
func fileNames(path string) ([]string, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(maxFiles + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("%s: %w: maxFiles is %d", path, yamlfile.ErrLimit, maxFiles)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		if strings.HasPrefix(name, ".") {
			return true
		}
		info, err := os.Stat(filepath.Join(path, name))
		return err == nil && info.IsDir()
	})
	slices.Sort(names)
	return names, nil
}

// readFile reads a regular file, and does not wait for anything else.
func readFile(path string, limit int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", yamlfile.ErrLimit, limit)
	}
	return data, nil
}

// Directory publishes the documents in a directory, and again within a second
// of every change. It polls, because that works in the same way for replaced files, for
// links that move, as kubelet does with a mounted ConfigMap, and for a directory that
// comes back.
type Directory struct {
	Path    string
	Publish func([]Document)
	// Failed is called with the error if the directory cannot be read, once for
	// each new cause. Documents published before stay. nil ignores the error.
	Failed func(error)

	published []stamp // what was there when it was last published
	last      []stamp // what was there at the last look
	looks     int     // since the change that waits to be published
	failure   string
}

// stamp changes when a file does. Two writes within one tick of the kernel's
// clock may share a stamp, which is why a change has to rest before it counts.
type stamp struct {
	name    string
	inode   uint64
	size    int64
	changed int64 // ns since the epoch
}

// Run looks until ctx ends. It publishes first at once.
func (d *Directory) Run(ctx context.Context) {
	d.publish(nil)
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			d.look()
		}
	}
}

// look publishes a change that has come to rest.
func (d *Directory) look() {
	now, err := stamps(d.Path)
	if err != nil {
		d.fail(err)
		return
	}
	resting := slices.Equal(now, d.last)
	d.last = now
	if d.published != nil && slices.Equal(now, d.published) {
		d.looks = 0
		return
	}
	d.looks++
	switch {
	case resting:
		d.publish(now)
	case d.looks >= maxLooks:
		d.publish(nil)
	}
}

// publish publishes the documents in the directory, unless the directory changes while
// it is being read: a mixture of two versions would be refused. With a nil now it
// publishes in any case, and reads the directory again next time.
func (d *Directory) publish(now []stamp) {
	documents, err := ReadDirectory(d.Path)
	if err != nil {
		d.fail(err)
		return
	}
	if now != nil {
		if after, err := stamps(d.Path); err != nil || !slices.Equal(after, now) {
			return
		}
	}
	d.published, d.looks, d.failure = now, 0, ""
	d.Publish(documents)
}

func (d *Directory) fail(err error) {
	if d.Failed != nil && d.failure != err.Error() {
		d.Failed(err)
	}
	d.failure = err.Error()
	d.published, d.last = nil, nil
}

// stamps never returns nil without an error.
func stamps(path string) ([]stamp, error) {
	names, err := fileNames(path)
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	all := make([]stamp, 0, len(names))
	for _, name := range names {
		s := stamp{name: name}
		if info, err := os.Stat(filepath.Join(path, name)); err == nil {
			sys := info.Sys().(*syscall.Stat_t)
			s.inode, s.size, s.changed = sys.Ino, sys.Size, sys.Ctim.Nano()
		}
		all = append(all, s)
	}
	return all, nil
}
