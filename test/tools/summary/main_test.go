package main

import (
	"strings"
	"testing"
)

func TestSummarise(t *testing.T) {
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
		"foreign line": {lines: []string{"make: something"}, says: "make: something"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			got, err := summarise(strings.NewReader(strings.Join(tt.lines, "\n")), &out)
			if err != nil || got != tt.want {
				t.Errorf("summarise() = %+v, %v; want %+v", got, err, tt.want)
			}
			if !strings.Contains(out.String(), tt.says) {
				t.Errorf("summarise() printed %q, want %q in it", out.String(), tt.says)
			}
		})
	}
}
