package custom

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What cannot be read has no effect, and what did not change is not told again.
func TestDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules")
	var sets []*Set
	var failed []error
	d := Directory{
		Path:    dir,
		Publish: func(s *Set) { sets = append(sets, s) },
		Failed:  func(err error) { failed = append(failed, err) },
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, published, failures int) {
		t.Helper()
		d.Read()
		d.Read()
		if len(sets) != published || len(failed) != failures {
			t.Errorf("%s: got %d sets and %d errors, want %d and %d: %v", what, len(sets), len(failed), published, failures, failed)
		}
	}
	want("no directory", 0, 0)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write("a.yaml", shell)
	write(".hidden.yaml", "a: [")
	write("notes.txt", "a: [")
	want("a file", 1, 0)
	write("a.yaml", strings.Replace(shell, "endsWith", "endsWiht", 1))
	want("a broken file", 1, 1)
	write("a.yaml", shell)
	write("b.yaml", binding("rules: [{ruleID: my-shell}]"))
	want("two files", 2, 1)
	if len(sets[1].Bindings) != 1 {
		t.Errorf("got %d bindings", len(sets[1].Bindings))
	}
	write("c.yaml", strings.Repeat("#", maxFileBytes+1))
	want("a large file", 2, 2)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	want("all gone", 3, 2)
}
