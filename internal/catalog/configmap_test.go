package catalog

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/yamlfile"
)

func compress(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestConfigMapDocuments(t *testing.T) {
	m := ConfigMap{
		Namespace: "shop",
		Name:      "bobs",
		Data: map[string]string{
			"web.yaml":          "web",
			"web.yaml.sig":      "signature",
			"web.values.yaml":   "values",
			"db.yaml":           "db",
			"db.sigstore.json":  "bundle",
			"db.yaml.sig":       "signature too",
			"big.sigstore.json": "big bundle",
		},
		BinaryData: map[string][]byte{
			"big.yaml.gz":  compress(t, []byte("big")),
			"plain.yaml":   compress(t, []byte("compressed all the same")),
			"as-they.yaml": []byte("are"),
		},
	}
	want := []Document{
		{Name: "as-they", File: "configmap shop/bobs: as-they.yaml", Data: []byte("are")},
		{Name: "big", File: "configmap shop/bobs: big.yaml.gz", Data: []byte("big"), Signatures: [][]byte{[]byte("big bundle")}},
		{Name: "db", File: "configmap shop/bobs: db.yaml", Data: []byte("db"), Signatures: [][]byte{[]byte("bundle"), []byte("signature too")}},
		{Name: "plain", File: "configmap shop/bobs: plain.yaml", Data: []byte("compressed all the same")},
		{Name: "web", File: "configmap shop/bobs: web.yaml", Data: []byte("web"), Signatures: [][]byte{[]byte("signature")}, Values: []byte("values")},
	}
	for i := range want {
		want[i].Namespace = "shop"
	}
	if diff := cmp.Diff(want, m.Documents()); diff != "" {
		t.Errorf("Documents (-want +got):\n%s", diff)
	}
}

func TestConfigMapErrors(t *testing.T) {
	huge := compress(t, make([]byte, MaxDocumentBytes+1))
	half := compress(t, make([]byte, MaxDocumentBytes/2+1))
	tests := map[string]struct {
		data   map[string]string
		binary map[string][]byte
		want   string // of the one document with an error
		limit  bool
	}{
		"unknown key":        {data: map[string]string{"web.yml": ""}, want: "web.yml: neither a document"},
		"only a suffix":      {data: map[string]string{".yaml": ""}, want: ".yaml: neither a document"},
		"lonely signature":   {data: map[string]string{"web.yaml.sig": ""}, want: "web.yaml.sig: no document web.yaml beside it"},
		"lonely values":      {data: map[string]string{"web.values.yaml": ""}, want: "web.values.yaml: no document web.yaml beside it"},
		"both forms":         {data: map[string]string{"web.yaml": ""}, binary: map[string][]byte{"web.yaml.gz": nil}, want: "web.yaml: both web.yaml and web.yaml.gz"},
		"broken gzip":        {binary: map[string][]byte{"web.yaml.gz": {0x1f, 0x8b, 0}}, want: "web.yaml.gz: decompress: "},
		"cut gzip":           {binary: map[string][]byte{"web.yaml.gz": compress(t, []byte("document"))[:20]}, want: "web.yaml.gz: decompress: "},
		"gzip bomb":          {binary: map[string][]byte{"web.yaml.gz": huge}, want: "web.yaml.gz: limit exceeded: MaxDocumentBytes", limit: true},
		"two that make one":  {binary: map[string][]byte{"a.yaml.gz": half, "b.yaml.gz": half}, want: "b.yaml.gz: limit exceeded: MaxDocumentBytes", limit: true},
		"signature too long": {data: map[string]string{"a.yaml": "", "a.yaml.sig": strings.Repeat("A", 1<<17)}, want: "a.yaml: a.yaml.sig: limit exceeded", limit: true},
		"values too long":    {data: map[string]string{"a.yaml": "", "a.values.yaml": strings.Repeat("a: b\n", 1<<15)}, want: "a.yaml: a.values.yaml: limit exceeded", limit: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := ConfigMap{Namespace: "shop", Name: "bobs", Data: tt.data, BinaryData: tt.binary}
			var errs []error
			for _, d := range m.Documents() {
				if _, err := load(nil, &d); d.Err != nil {
					errs = append(errs, err)
				}
			}
			want := "configmap shop/bobs: " + tt.want
			if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), want) || errors.Is(errs[0], yamlfile.ErrLimit) != tt.limit {
				t.Errorf("errors = %v, want one of %q", errs, want)
			}
		})
	}
}

// An error in a document names the map, the key and the line.
func TestConfigMapErrorNamesTheLine(t *testing.T) {
	broken := strings.Replace(webapp, "opens:", "opened:", 1)
	m := ConfigMap{Namespace: "shop", Name: "bobs", Data: map[string]string{"web.yaml": broken}}
	r := newRecorder(t, accepting("shop"))
	r.Publish(m.Source(), m.Documents())
	want := "configmap shop/bobs: web.yaml:10:"
	if len(r.refused) != 1 || !strings.HasPrefix(r.refused[0].Err.Error(), want) {
		t.Errorf("refused = %v, want one that begins with %q", r.refused, want)
	}

	m.Data = map[string]string{"web.yaml": webapp, "web.values.yaml": "a: b\nc: [d]\n"}
	r.Publish(m.Source(), m.Documents())
	want = "configmap shop/bobs: web.yaml: values:2:4: "
	if len(r.refused) != 2 || !strings.Contains(r.refused[1].Err.Error(), want) {
		t.Errorf("refused = %v, want one that says %q", r.refused, want)
	}
}

// One broken document takes nothing from the others of its map.
func TestConfigMapDocumentsStandAlone(t *testing.T) {
	m := ConfigMap{Namespace: "shop", Name: "bobs", Data: map[string]string{
		"good.yaml":   string(minimal("", "/good")),
		"broken.yaml": "{",
		"README":      "",
	}}
	r := newRecorder(t, accepting("shop"))
	r.Publish(m.Source(), m.Documents())
	if diff := cmp.Diff([]string{"/good"}, r.opens(shop)); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Reason{ReasonParse, ReasonParse}, r.takeRefusals()); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}

func TestParseValues(t *testing.T) {
	tests := map[string]struct {
		data string
		want map[string]string // nil if refused
	}{
		"empty":           {"", map[string]string{}},
		"comments only":   {"# nothing\n\n# yet\n", map[string]string{}},
		"text as it is":   {"a: 0644\nb: 1.10\nc: yes\nd: 0x10\ne: 10.0.0.0/8\n", map[string]string{"a": "0644", "b": "1.10", "c": "yes", "d": "0x10", "e": "10.0.0.0/8"}},
		"byte order mark": {"\ufeffa: b\n", map[string]string{"a": "b"}},
		"second document": {"a: b\n---\nc: d\n", nil},
		"quoted":          {"a: 'x y'\nb: \"\\t\"\n", map[string]string{"a": "x y", "b": "\t"}},
		"no value":        {"a:\n", nil},
		"null":            {"a: null\n", nil},
		"twice":           {"a: b\na: c\n", nil},
		"nested":          {"a:\n  b: c\n", nil},
		"list":            {"- a\n", nil},
		"one word":        {"a\n", nil},
		"flow":            {"{a: b}\n", nil},
		"alias":           {"a: &x b\nc: *x\n", nil},
		"tag":             {"a: !!binary aGVsbG8=\n", nil},
		"merge":           {"<<: a\n", nil},
		"two documents":   {"a: b\n---\nc: d\n", nil},
		"block of lines":  {"a: |\n  b\n", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseValues("values.yaml", []byte(tt.data))
			if (err != nil) != (tt.want == nil) {
				t.Fatalf("ParseValues(%q) = %v, %v; want %v", tt.data, got, err, tt.want)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParseValues(%q) (-want +got):\n%s", tt.data, diff)
			}
		})
	}
}
