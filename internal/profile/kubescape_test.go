package profile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// onlyProfile reads a file that has to hold one document.
func onlyProfile(t testing.TB, file, text string) *Profile {
	t.Helper()
	profiles, err := Parse(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(profiles) != 1 {
		t.Fatalf("%s: got %d documents, want 1", file, len(profiles))
	}
	return profiles[0]
}

// roundTrip writes every document in both forms and compares what is read
// back.
func roundTrip(t testing.TB, profiles []*Profile) {
	t.Helper()
	for _, want := range profiles {
		for _, form := range []KubescapeForm{KubescapePair, KubescapeContainerProfile} {
			text, err := Kubescape(want, form)
			if err != nil {
				t.Fatal(err)
			}
			got := onlyProfile(t, "exported", string(text))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("form %d of %s, read again (-want +got):\n%s\n%s", form, want.Metadata.Name, diff, text)
			}
		}
	}
}

func TestKubescapeFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/kubescape/*")
	if err != nil || len(files) < 12 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.Contains(file, "template") || strings.Contains(file, "rejected") || strings.HasSuffix(file, ".md") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			profiles, err := Parse(file, data)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, profiles)
		})
	}
}
