// Package docfile reads and writes documents as a command line names them: files,
// compressed or not, standard input, and the signatures next to them. It writes a
// document only if reading it again gives the same document.
package docfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
	"bobwatch/internal/render"
	"bobwatch/internal/term"
	"bobwatch/internal/yamlfile"
)

// Stdin as the name of a file is standard input.
const Stdin = "-"

// NameOf returns what errors call the file at path.
func NameOf(path string) string {
	if path == Stdin {
		return "stdin"
	}
	return path
}

// Read returns the content of a file of at most yamlfile.MaxInputBytes,
// decompressed.
func Read(in io.Reader, path string) ([]byte, error) {
	if path != Stdin {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	data, err := readBounded(in)
	if err == nil && bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		data, err = inflate(data)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", NameOf(path), err)
	}
	return data, nil
}

func inflate(data []byte) ([]byte, error) {
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return readBounded(zipped)
}

func readBounded(in io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, yamlfile.MaxInputBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > yamlfile.MaxInputBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", yamlfile.ErrLimit, yamlfile.MaxInputBytes)
	}
	return data, nil
}

// Profiles returns the documents of a file, and says on t.Err what it passes over.
func Profiles(t *term.Terminal, path string) ([]*profile.Profile, error) {
	data, err := Read(t.In, path)
	if err != nil {
		return nil, err
	}
	content, err := Content(path, data)
	for _, o := range content.Passed {
		fmt.Fprintf(t.Err, "warning: %s %s\n", term.Word(NameOf(path)), term.Escape(o.Remark()))
	}
	return content.Profiles, err
}

// Parse returns the documents in data, which was read from path.
func Parse(path string, data []byte) ([]*profile.Profile, error) {
	content, err := Content(path, data)
	return content.Profiles, err
}

// Content returns all that is in data, which was read from path.
func Content(path string, data []byte) (documents.Content, error) {
	content, err := documents.Read(NameOf(path), data)
	if err != nil && render.IsTemplate(data) {
		return content, fmt.Errorf("%w\n%s: it has placeholders; make a document of it first: bobctl render --values VALUES %s", err, NameOf(path), path)
	}
	return content, err
}

// Profile returns the only document of a file, and says on t.Err what it passes
// over.
func Profile(t *term.Terminal, path string) (*profile.Profile, error) {
	profiles, err := Profiles(t, path)
	if err != nil {
		return nil, err
	}
	return onlyOf(path, profiles)
}

// Only returns the only document in data, which was read from path.
func Only(path string, data []byte) (*profile.Profile, error) {
	profiles, err := Parse(path, data)
	if err != nil {
		return nil, err
	}
	return onlyOf(path, profiles)
}

func onlyOf(path string, profiles []*profile.Profile) (*profile.Profile, error) {
	if len(profiles) > 1 {
		var names []string
		for _, p := range profiles {
			names = append(names, term.Word(p.Metadata.Name))
		}
		return nil, fmt.Errorf("%s holds %d documents (%s) where one is wanted; put it into a file of its own",
			NameOf(path), len(profiles), strings.Join(names, ", "))
	}
	return profiles[0], nil
}

// ParseWorkload reads NAMESPACE/KIND/NAME. NAMESPACE and KIND may be empty. Names of workloads without Kubernetes may hold a slash.
func ParseWorkload(text string) (profile.Workload, error) {
	parts := strings.SplitN(text, "/", 3)
	if len(parts) != 3 || parts[2] == "" {
		return profile.Workload{}, errors.New("want NAMESPACE/KIND/NAME")
	}
	return profile.Workload{Namespace: parts[0], Kind: parts[1], Name: parts[2]}, nil
}
