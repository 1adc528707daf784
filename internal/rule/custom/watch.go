package custom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Limits of a directory of rule files.
const (
	maxFiles     = 256
	maxFileBytes = 1 << 20
	lookEvery    = time.Second
)

// Directory reads the rule files of a directory, and reads them again when they
// change. A change that cannot be read has no effect.
type Directory struct {
	Path    string
	Publish func(*Set)
	Failed  func(error)

	seen string
}

// Read publishes the rules if the files differ from those of the last Read. A
// directory that is not there holds no rules.
func (d *Directory) Read() {
	files, err := ReadFiles(d.Path)
	if errors.Is(err, fs.ErrNotExist) {
		files, err = nil, nil
	}
	content := contentOf(files, err)
	if content == d.seen {
		return
	}
	d.seen = content
	if err != nil {
		d.Failed(err)
		return
	}
	set, err := Parse(files)
	if err != nil {
		d.Failed(err)
		return
	}
	d.Publish(set)
}

// Run reads again and again until ctx ends.
func (d *Directory) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.Read()
		}
	}
}

func contentOf(files []File, err error) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%q %d\n%s\n", f.Name, len(f.Data), f.Data)
	}
	if err != nil {
		fmt.Fprint(&b, err)
	}
	return b.String()
}

// ReadFiles reads a file, or the files of a directory that end in .yaml, .yml or
// .json and do not begin with a dot.
func ReadFiles(path string) ([]File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	names := []string{path}
	if info.IsDir() {
		if names, err = filesOf(path); err != nil {
			return nil, err
		}
	}
	files := make([]File, len(names))
	for i, name := range names {
		data, err := readFile(name)
		if err != nil {
			return nil, fmt.Errorf("read rules: %w", err)
		}
		files[i] = File{name, data}
	}
	return files, nil
}

func filesOf(directory string) ([]string, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
			continue
		}
		names = append(names, filepath.Join(directory, name))
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("read rules: %s has %d files, at most %d are allowed", directory, len(names), maxFiles)
	}
	return names, nil
}

// readFile reads a regular file, and does not wait for anything else.
func readFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: no regular file", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err == nil && len(data) > maxFileBytes {
		err = fmt.Errorf("%s: has more than %d bytes", name, maxFileBytes)
	}
	return data, err
}
