// Package render makes Kubescape profiles out of the templates in which
// vendors ship them: the lab's bob.yaml with a bob.values file, and templates
// of a Helm chart with a values file.
//
// A template reads no file, environment, clock or network, and its output is bounded. It
// still is a foreign program, so only bobctl imports this package; the agent reads
// rendered documents.
package render

import (
	"bytes"
	"errors"
	"fmt"
)

// Bounds on one rendering. Profiles reach a few MiB.
const (
	maxInputBytes  = 4 << 20
	maxOutputBytes = 16 << 20
)

// ErrTooLarge is in the chain of errors about an input or output beyond the
// bounds of this package.
var ErrTooLarge = errors.New("too large")

func checkInput(what string, data []byte) error {
	if len(data) > maxInputBytes {
		return fmt.Errorf("%s: %w: more than %d bytes", what, ErrTooLarge, maxInputBytes)
	}
	return nil
}

// IsTemplate reports whether data has placeholders that Placeholders or Helm
// would replace.
func IsTemplate(data []byte) bool {
	return bytes.Contains(data, []byte("{{")) || bytes.Contains(data, []byte(placeholder))
}
