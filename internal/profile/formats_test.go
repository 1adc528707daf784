package profile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFormats reads documents that earlier versions wrote. Beside each are the
// bytes that were signed then: were they to change, no signature would hold.
// A file here is never edited; a new form of the document gets a new one.
func TestFormats(t *testing.T) {
	files, err := filepath.Glob("testdata/formats/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			signed, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".canonical.json")
			if err != nil {
				t.Fatal(err)
			}
			if got := canonical(t, mustParse(t, string(text))); got != string(signed) {
				t.Errorf("canonical bytes (-signed +now):\n%s", cmp.Diff(string(signed), got))
			}
			if got := canonical(t, mustParse(t, string(signed))); got != string(signed) {
				t.Error("the canonical bytes are not their own canonical form")
			}
		})
	}
}
