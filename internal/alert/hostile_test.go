package alert

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"bobwatch/internal/event"
)

func TestPrintable(t *testing.T) {
	tests := map[string]struct {
		in    string
		limit int
		want  string
	}{
		"plain":            {"/bin/cat", 99, "/bin/cat"},
		"umlaut":           {"/tmp/ä", 99, "/tmp/ä"},
		"newline":          {"a\nb", 99, `a\x0ab`},
		"escape sequence":  {"\x1b[31m", 99, `\x1b[31m`},
		"C1 control":       {"\u009b31m", 99, `\xc2\x9b31m`},
		"invalid UTF-8":    {"a\xffb", 99, `a\xffb`},
		"literal of it":    {`a\xffb`, 99, `a\\xffb`},
		"replacement rune": {"\ufffd", 99, "\ufffd"},
		"bidi override":    {"a\u202eb", 99, `a\xe2\x80\xaeb`},
		"line separator":   {"a\u2028b", 99, `a\xe2\x80\xa8b`},
		"mark of a cut":    {"a…", 99, `a\xe2\x80\xa6`},
		"cut":              {"abcdef", 4, "abcd…"},
		"cut at an escape": {"abc\n", 6, "abc…"},
		"cut at a rune":    {"abcä", 4, "abc…"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Printable(tt.in, tt.limit); got != tt.want {
				t.Errorf("Printable(%q, %d): got %q, want %q", tt.in, tt.limit, got, tt.want)
			}
		})
	}
}

// wantOneLine fails if line is not printable text that ends in its only
// newline.
func wantOneLine(t *testing.T, line string) {
	t.Helper()
	body, ok := strings.CutSuffix(line, "\n")
	if !ok || !utf8.ValidString(body) || strings.ContainsFunc(body, func(r rune) bool {
		return !plain(string(r)) && r != '\\' && string(r) != cutMark
	}) {
		t.Errorf("not one printable line: %q", line)
	}
}

func FuzzHostileBytes(f *testing.F) {
	f.Add([]byte("/tmp/x\n{\"rule\":\"forged\"}"), []byte("sh\x00-c\x00\x1b]0;title\a"), []byte("\x1b[2J'\"\\"), uint8(event.KindExec))
	f.Add([]byte("/tmp/\xff\xfe…\u2028"), []byte("'; reboot; '"), []byte("a\nb"), uint8(event.KindOpen))
	f.Add([]byte("/\u202e"), []byte{}, []byte("\u009b"), uint8(event.KindMoved))
	f.Fuzz(func(t *testing.T, path, args, comm []byte, kind uint8) {
		e := injected(event.Kind(kind%6 + 1))
		e.Path, e.Args = path, args
		copy(e.Process.Comm[:], comm)
		copy(e.Ancestors[0].Comm[:], comm)
		subject := webapp()
		subject.Workload.Name, subject.Container.Name = string(args), string(comm)

		b := newBuilder()
		b.Processes.Add(e)
		a := b.Build(deviation(e), subject)

		var out bytes.Buffer
		if err := JSON(&out, &a); err != nil {
			t.Fatal(err)
		}
		wantOneLine(t, out.String())
		var decoded Alert
		if err := json.Unmarshal(out.Bytes(), &decoded); err != nil {
			t.Fatalf("JSON: %v", err)
		}
		if decoded.Process.Comm != a.Process.Comm || decoded.Allow.String() != a.Allow.String() {
			t.Error("JSON does not hold what was put in")
		}

		out.Reset()
		appendText(&out, &a, false)
		lines := strings.SplitAfter(strings.TrimSuffix(out.String(), "\n"), "\n")
		want := 1
		if a.Allow != nil {
			want = 2
		}
		if len(lines) != want {
			t.Errorf("text: got %d lines, want %d: %q", len(lines), want, out.String())
		}
		for _, line := range lines {
			wantOneLine(t, strings.TrimSuffix(line, "\n")+"\n")
		}
	})
}
