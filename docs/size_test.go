package docs

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A package or a type beyond these sizes does several jobs; a function that is a
// method of a smaller type, or a package of its own, is easier to find and test.
const (
	maxPackageLines = 2500
	maxTypeMethods  = 25
)

// TestSizes counts what was written by hand, tests left out.
func TestSizes(t *testing.T) {
	lines, methods := map[string]int{}, map[string]int{}
	for _, sources := range []string{"cmd", "internal", "bench", "test"} {
		if err := filepath.WalkDir(filepath.Join(root, sources), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && d.Name() == "testdata" {
				return cmp.Or(err, fs.SkipDir)
			}
			if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			count(t, path, lines, methods)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		if lines[name] > maxPackageLines {
			t.Errorf("package %s has %d lines, more than %d: which part of it is a package of its own?", name, lines[name], maxPackageLines)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(methods)) {
		if methods[name] > maxTypeMethods {
			t.Errorf("type %s has %d methods, more than %d: which of its fields are a type of their own?", name, methods[name], maxTypeMethods)
		}
	}
	if len(lines) < 50 || len(methods) < 200 {
		t.Errorf("found %d packages and %d types with methods: not the tree", len(lines), len(methods))
	}
}

// count adds the lines and methods of a file that was not generated.
func count(t *testing.T, path string, lines, methods map[string]int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if ast.IsGenerated(file) {
		return
	}
	name, err := filepath.Rel(root, filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	lines[name] += bytes.Count(text, []byte("\n"))
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv == nil {
			continue
		}
		typ := f.Recv.List[0].Type
		if pointer, ok := typ.(*ast.StarExpr); ok {
			typ = pointer.X
		}
		if generic, ok := typ.(*ast.IndexExpr); ok {
			typ = generic.X
		}
		if named, ok := typ.(*ast.Ident); ok {
			methods[name+"."+named.Name]++
		}
	}
}
