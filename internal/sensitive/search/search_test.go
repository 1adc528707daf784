package search

import (
	"os"
	"slices"
	"testing"

	"bobwatch/internal/testenv"
)

// TestFind looks for sensitive files as this process sees them.
func TestFind(t *testing.T) {
	const secret = "/etc/gshadow"
	if _, err := os.Stat(secret); err != nil {
		testenv.Skip(t, "needs a sensitive file: %v", err)
	}
	files, err := Find(uint32(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		f.Close()
	}
	if len(files) > maxFiles || !slices.ContainsFunc(files, func(f File) bool { return f.Path == secret }) {
		t.Errorf("%d files, want %s among them", len(files), secret)
	}
}
