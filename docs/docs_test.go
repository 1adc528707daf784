// Package docs holds the pages to what they point at.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the top of the tree, seen from here.
const root = ".."

var (
	link     = regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]*))?\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notAWord = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	testName = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)`")
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

func TestLinks(t *testing.T) {
	for _, page := range files(t, ".md") {
		for _, found := range link.FindAllStringSubmatch(read(t, page), -1) {
			target, anchor := found[1], found[2]
			if strings.Contains(target, "://") {
				continue
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %v", page, err)
			} else if anchor != "" && !hasAnchor(read(t, file), anchor) {
				t.Errorf("%s: %s has no heading #%s", page, file, anchor)
			}
		}
	}
}

// TestNamedTestsExist: a page that names a test as proof needs the test.
func TestNamedTestsExist(t *testing.T) {
	defined := map[string]bool{}
	for _, file := range files(t, "_test.go") {
		for _, found := range testFunc.FindAllStringSubmatch(read(t, file), -1) {
			defined[found[1]] = true
		}
	}
	named := 0
	for _, page := range files(t, ".md") {
		for _, found := range testName.FindAllStringSubmatch(read(t, page), -1) {
			named++
			if !defined[found[1]] {
				t.Errorf("%s: there is no test %s", page, found[1])
			}
		}
	}
	if named == 0 {
		t.Error("no page names a test")
	}
}

// hasAnchor knows headings by the names that GitHub gives them.
func hasAnchor(page, anchor string) bool {
	for _, found := range heading.FindAllStringSubmatch(page, -1) {
		name := notAWord.ReplaceAllString(strings.ToLower(found[1]), "")
		if strings.ReplaceAll(name, " ", "-") == anchor {
			return true
		}
	}
	return false
}

func files(t *testing.T, suffix string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, suffix) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
