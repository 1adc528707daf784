package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	reference "go.yaml.in/yaml/v3"
)

// Nothing of a stream vanishes: what is not read is refused.
func TestDocuments(t *testing.T) {
	tests := map[string]struct {
		text string
		want string // the values of the key a
		err  string // part of the error
	}{
		"one":                        {text: "a: 1\n", want: "1"},
		"two":                        {text: "a: 1\n---\na: 2\n", want: "1 2"},
		"empty one between":          {text: "a: 1\n---\n---\na: 2\n", want: "1 2"},
		"empty ones before":          {text: "---\n---\n\n---\na: 1\n", want: "1"},
		"empty one behind":           {text: "a: 1\n---\n", want: "1"},
		"comment between":            {text: "a: 1\n---\n# Source: chart/templates/off.yaml\n---\na: 2\n", want: "1 2"},
		"comment before":             {text: "---\n# off\n---\na: 1\n", want: "1"},
		"null between":               {text: "a: 1\n---\nnull\n---\n~\n---\na: 2\n", want: "1 2"},
		"ends":                       {text: "a: 1\n...\n...\na: 2\n... # c\n---\na: 3\n", want: "1 2 3"},
		"content beside the marker":  {text: "--- {a: 1}\n--- {a: 2}\n", want: "1 2"},
		"carriage returns":           {text: "a: 1\r\n---\r\n---\r\na: 2\r\n", want: "1 2"},
		"byte order marks":           {text: "\ufeff---\na: 1\n\ufeff---\na: 2\n", want: "1 2"},
		"mark and no marker":         {text: "\ufeffa: 1\n", want: "1"},
		"directive":                  {text: "%YAML 1.2\n---\na: 1\n...\n%YAML 1.1 # old\n---\na: 2\n", want: "1 2"},
		"directive behind a comment": {text: "# c\n%YAML 1.2\n---\na: 1\n", want: "1"},
		"marker in a block":          {text: "a: |\n  x\n---\na: 2\n", want: "x\n 2"},
		"marker that is none":        {text: "a: 1\nb: |\n  ---\n  ...\n", want: "1"},
		"nothing":                    {text: "# c\n---\n", want: ""},

		"unknown directive":      {text: "%TAG ! tag:x,2000:\n---\na: 1\n", err: "f:1:1: directive %TAG"},
		"directive of YAML 2":    {text: "%YAML 2.0\n---\na: 1\n", err: "f:1:1: directive"},
		"two directives":         {text: "%YAML 1.2\n%YAML 1.2\n---\na: 1\n", err: "f:2:1: a second directive"},
		"directive alone":        {text: "%YAML 1.2\na: 1\n", err: "f:2:1: a document with a directive begins with ---"},
		"directive at the end":   {text: "a: 1\n...\n%YAML 1.2\n", err: "without a document"},
		"text behind the end":    {text: "a: 1\n... a: 2\n", err: "f:2:1"},
		"behind a flow mapping":  {text: "{a: 1} {a: 2}\n", err: "f:1:8"},
		"broken second document": {text: "a: 1\n---\n\na: [\n", err: "f:4:"},
		"UTF-16":                 {text: "\xff\xfea\x00", err: "save it as UTF-8"},
		"Latin-1":                {text: "a: \xe9\n", err: "not UTF-8"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			docs, err := Documents("f", []byte(tt.text))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("Documents: %d documents, %v, want an error with %q", len(docs), err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var values []string
			r := NewReader("f")
			for _, doc := range docs {
				values = append(values, r.Text(r.Lookup(doc, "a")))
			}
			if diff := cmp.Diff(tt.want, strings.Join(values, " ")); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	docs, err := Documents("f", []byte("---\n---\n# c\na: 1\nb: 2\n---\n\n- x\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(docs) != 2 || docs[0].Line() != 4 || docs[1].Line() != 8 {
		t.Errorf("%d documents, of which the first is in line %d, want 2 in lines 4 and 8", len(docs), docs[0].Line())
	}
	r := NewReader("f")
	r.Fail(r.Lookup(docs[0], "b"), "bad")
	if err := r.Err(); err == nil || err.Error() != "f:5:4: b: bad" {
		t.Errorf("got %v, want the place in the file", err)
	}
}

func TestSingle(t *testing.T) {
	tests := map[string]struct{ text, want, err string }{
		"one":            {text: "a: 1\n", want: "a: 1\n"},
		"nothing":        {text: "# c\n"},
		"behind empty":   {text: "---\n# c\n---\na: 1\n", want: "\n\n---\na: 1\n"},
		"marked":         {text: "\ufeff%YAML 1.2\n---\na: 1\n", want: "\n---\na: 1\n"},
		"before empty":   {text: "a: 1\n---\n", want: "a: 1\n"},
		"two":            {text: "a: 1\n---\na: 2\n", err: "f:2:1: a second document"},
		"two by ends":    {text: "a: 1\n...\n\nb: 2\n", err: "f:4:1: a second document"},
		"not a document": {text: "%FOO\n---\na: 1\n", err: "%FOO"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Single("f", []byte(tt.text))
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("Single: %v, want %q", err, tt.err)
			}
			if string(got) != tt.want {
				t.Errorf("Single = %q, want %q", got, tt.want)
			}
		})
	}
}

// Another parser of YAML finds no more mappings and lists. It may refuse what
// this one reads, and the other way round.
func FuzzDocuments(f *testing.F) {
	for _, text := range []string{
		"a: 1\n---\n---\nb: 2\n", "--- |\n x\n...\n# c\n%YAML 1.1\n--- [a]\n", "a: 'x\n  y'\n---\r\n- &b c\n- *b\n",
		"\ufeffa: b\n--- # c\n\n---\n? x\n: !!str y\n", "{a: b}\n---\n\"c\"\n", "a: >-\n\n  b\n --- c\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := Documents("f", data)
		if err != nil {
			return
		}
		got := 0
		for _, doc := range docs {
			if !doc.Scalar() {
				got++
			}
		}
		if want, err := countByReference(data); err == nil && got < want {
			t.Errorf("%q: %d documents, the reference finds %d", data, got, want)
		}
	})
}

// says reports whether anything is written in a node.
func says(n *reference.Node) bool {
	return n.Value != "" || slices.ContainsFunc(n.Content, says)
}

func countByReference(data []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	decoder := reference.NewDecoder(bytes.NewReader(data))
	for {
		var doc reference.Node
		if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
		if doc.Content[0].Kind != reference.ScalarNode && says(doc.Content[0]) {
			n++
		}
	}
}
