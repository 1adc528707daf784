package docfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
	"bobwatch/internal/term"
)

// Marshal returns documents as YAML, each after the first behind "---". It
// makes sure that the same is read again.
func Marshal(profiles []*profile.Profile) ([]byte, error) {
	var stream []byte
	for i, p := range profiles {
		text, err := profile.Marshal(p)
		if err != nil {
			return nil, err
		}
		if err := sameAgain(p, text); err != nil {
			return nil, fmt.Errorf("write document %s: %w", term.Word(p.Metadata.Name), err)
		}
		if i > 0 {
			stream = append(stream, "---\n"...)
		}
		stream = append(stream, text...)
	}
	return stream, nil
}

func sameAgain(p *profile.Profile, text []byte) error {
	read, err := documents.Parse("document", text)
	if err != nil {
		return err
	}
	want, err := p.Canonical()
	if err != nil {
		return err
	}
	got, err := read[0].Canonical()
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("it holds text that YAML does not keep")
	}
	return nil
}

// Replace replaces the file at path by data, so that a reader sees either all of it or
// the old file. The mode of a file that exists is
// kept; a file that is not regular, such as /dev/null, is written to. The new
// file has a name that the agent passes over until it is complete.
func Replace(path string, data []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, data, 0) // a device or a pipe is not to be replaced
	}
	if err := renameio.WriteFile(path, data, 0o644, renameio.WithTempDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
