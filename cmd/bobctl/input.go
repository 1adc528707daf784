package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"

	"bobwatch/internal/profile"
	"bobwatch/internal/render"
	"bobwatch/internal/term"
)

// stdin as the name of a file is standard input.
const stdin = "-"

// nameOf returns what errors call the file at path.
func nameOf(path string) string {
	if path == stdin {
		return "stdin"
	}
	return path
}

// readFrom returns the content of a file of at most profile.MaxInputBytes,
// decompressed.
func readFrom(in io.Reader, path string) ([]byte, error) {
	if path != stdin {
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
		return nil, fmt.Errorf("read %s: %w", nameOf(path), err)
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
	data, err := io.ReadAll(io.LimitReader(in, profile.MaxInputBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > profile.MaxInputBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", profile.ErrLimit, profile.MaxInputBytes)
	}
	return data, nil
}

// profilesOf returns the documents of a file.
func profilesOf(in io.Reader, path string) ([]*profile.Profile, error) {
	data, err := readFrom(in, path)
	if err != nil {
		return nil, err
	}
	return parse(path, data)
}

func parse(path string, data []byte) ([]*profile.Profile, error) {
	profiles, err := profile.Parse(nameOf(path), data)
	if err != nil && render.IsTemplate(data) {
		return nil, fmt.Errorf("%w\n%s: it has placeholders; make a document of it first: bobctl render --values VALUES %s", err, nameOf(path), path)
	}
	return profiles, err
}

// profileOf returns the only document of a file.
func profileOf(in io.Reader, path string) (*profile.Profile, error) {
	data, err := readFrom(in, path)
	if err != nil {
		return nil, err
	}
	return only(path, data)
}

// only returns the only document in data, which was read from path.
func only(path string, data []byte) (*profile.Profile, error) {
	profiles, err := parse(path, data)
	if err != nil {
		return nil, err
	}
	if len(profiles) > 1 {
		var names []string
		for _, p := range profiles {
			names = append(names, term.Word(p.Metadata.Name))
		}
		return nil, fmt.Errorf("%s holds %d documents (%s) where one is wanted; put it into a file of its own",
			nameOf(path), len(profiles), strings.Join(names, ", "))
	}
	return profiles[0], nil
}
