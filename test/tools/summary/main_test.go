package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	tests := map[string]struct {
		lines []string
		want  counts
		says  string
	}{
		"pass and skip": {
			lines: []string{
				`{"Action":"pass","Package":"p","Test":"A"}`,
				`{"Action":"output","Package":"p","Test":"B","Output":"no root\n"}`,
				`{"Action":"skip","Package":"p","Test":"B"}`,
				`{"Action":"pass","Package":"p","Elapsed":1}`,
			},
			want: counts{passed: 1, skipped: 1},
			says: "no root",
		},
		"time and coverage": {
			lines: []string{
				`{"Action":"pass","Package":"p","Test":"A"}`,
				`{"Action":"output","Package":"p","Output":"coverage: 89.1% of statements\n"}`,
				`{"Action":"output","Package":"p","Output":"ok  \tp\t1.243s\tcoverage: 89.1% of statements\n"}`,
				`{"Action":"pass","Package":"p","Elapsed":1.25}`,
			},
			want: counts{passed: 1},
			says: "1.2s  89.1% covered\n",
		},
		"cached": {
			lines: []string{
				`{"Action":"pass","Package":"p","Test":"A"}`,
				`{"Action":"output","Package":"p","Output":"ok  \tp\t(cached)\n"}`,
				`{"Action":"pass","Package":"p","Elapsed":0.001}`,
			},
			want: counts{passed: 1},
			says: "cached\n",
		},
		"failed test is counted once": {
			lines: []string{
				`{"Action":"output","Package":"p","Test":"A","Output":"got 1\n"}`,
				`{"Action":"fail","Package":"p","Test":"A"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want: counts{failed: 1},
			says: "got 1",
		},
		"package that does not build": {
			lines: []string{
				`{"Action":"build-output","ImportPath":"p","Output":"undefined: x\n"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want: counts{failed: 1},
			says: "undefined: x",
		},
		"package that crashed": {
			lines: []string{
				`{"Action":"pass","Package":"p","Test":"A"}`,
				`{"Action":"output","Package":"p","Output":"panic: boom\n"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			want: counts{passed: 1, failed: 1},
			says: "panic: boom",
		},
		"run that did not begin": {
			lines: []string{"make: something"},
			want:  counts{failed: 1},
			says:  "make: something",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			s := newSummary(&out)
			err := s.read(strings.NewReader(strings.Join(tt.lines, "\n")), "run")
			if err != nil || s.counts != tt.want {
				t.Errorf("read() = %v, counts %+v, want %+v", err, s.counts, tt.want)
			}
			if !strings.Contains(out.String(), tt.says) {
				t.Errorf("read() printed %q, want %q in it", out.String(), tt.says)
			}
		})
	}
}

// TestReadAll: one of two runs that has no results is a failure.
func TestReadAll(t *testing.T) {
	dir := t.TempDir()
	one, none := write(t, dir, "one", `{"Action":"pass","Package":"p","Test":"A"}`), write(t, dir, "none", "")
	var out strings.Builder
	s := newSummary(&out)
	if err := s.readAll([]string{one, none}); err != nil {
		t.Fatal(err)
	}
	if want := (counts{passed: 1, failed: 1}); s.counts != want {
		t.Errorf("counts %+v, want %+v; printed %q", s.counts, want, out.String())
	}
}

func TestCoverage(t *testing.T) {
	dir := t.TempDir()
	unit := write(t, dir, "unit.out", "mode: atomic\na.go:1.2,3.4 3 0\na.go:5.1,6.2 2 7\n")
	kernel := write(t, dir, "kernel.out", "mode: atomic\na.go:1.2,3.4 3 1\nb.go:1.2,3.4 5 0\n")
	got, err := coverage([]string{unit, kernel})
	if want := 50.0; err != nil || got != want {
		t.Errorf("coverage() = %v, %v, want %v", got, err, want)
	}
	if got, err := coverage([]string{write(t, dir, "empty.out", "mode: atomic\n")}); err == nil {
		t.Errorf("coverage() of nothing = %v, want an error", got)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
