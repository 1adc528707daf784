package patch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/profile"
)

// withContainer returns a document with the given text below its container.
func withContainer(tb testing.TB, text string) *profile.Profile {
	tb.Helper()
	documents, err := profile.Parse("test", []byte("apiVersion: bobwatch/v1alpha1\nkind: BillOfBehavior\nmetadata: {name: web}\nspec:\n  containers: [{name: web, "+text+"}]\n"))
	if err != nil {
		tb.Fatal(err)
	}
	return documents[0]
}

func canonical(tb testing.TB, p *profile.Profile) string {
	tb.Helper()
	text, err := p.Canonical()
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func TestAdd(t *testing.T) {
	base := withContainer(t, "syscalls: {amd64: [read], arm64: [read]}, opens: [{path: /a, flags: [O_RDONLY]}]")
	tests := map[string]struct {
		allow Allow
		want  string
	}{
		"syscall": {Allow{Container: "web", Syscalls: []string{"gettid"}}, "syscalls: {amd64: [gettid, read], arm64: [gettid, read]}, opens: [{path: /a, flags: [O_RDONLY]}]"},
		"of one architecture": {
			Allow{Syscalls: []string{"open"}},
			"syscalls: {amd64: [open, read], arm64: [read]}, opens: [{path: /a, flags: [O_RDONLY]}]",
		},
		"open and exec": {
			Allow{Opens: []profile.Open{{Path: "/a", Flags: []string{"O_WRONLY"}}}, Execs: []profile.Exec{{Path: "/bin/sh", Args: []string{"sh"}}}},
			"syscalls: {amd64: [read], arm64: [read]}, opens: [{path: /a, flags: [O_RDONLY, O_WRONLY]}], execs: [{path: /bin/sh, args: [sh]}]",
		},
	}
	before := canonical(t, base)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Add(base, tt.allow)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(withContainer(t, tt.want), got); diff != "" {
				t.Errorf("Add (-want +got):\n%s", diff)
			}
		})
	}
	if after := canonical(t, base); after != before {
		t.Errorf("Add changed its argument to %s", after)
	}
	refused := map[string]Allow{
		`no container "wed"; there are: web`: {Container: "wed"},
		`system call "ptrase"`:               {Syscalls: []string{"ptrase"}},
		"spec.containers[0].opens[1]":        {Opens: []profile.Open{{Path: "/b", Flags: []string{"read"}}}},
	}
	for want, allow := range refused {
		if _, err := Add(base, allow); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Add(%+v): %v, want %q", allow, err, want)
		}
	}
}

func TestJSON(t *testing.T) {
	base := withContainer(t, "opens: [{path: /a}]")
	got, err := JSON(base, []byte(`[{"op": "test", "path": "/metadata/name", "value": "web"},
		{"op": "add", "path": "/spec/containers/0/opens/-", "value": {"path": "/b"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(withContainer(t, "opens: [{path: /a}, {path: /b}]"), got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	double := `{"op": "add", "path": "/spec/kubescape", "value": {"a": "a"}},`
	for i := range 40 {
		double += fmt.Sprintf(`{"op": "copy", "from": "/spec/kubescape", "path": "/spec/kubescape/%d"},`, i)
	}
	refused := map[string]string{
		`{"op": "add"}`: "decode operations",
		`[{"op": "test", "path": "/metadata/name", "value": "x"}]`:   "testing",
		`[{"op": "remove", "path": "/spec/nothing"}]`:                "nothing",
		`[{"op": "add", "path": "/spec/typo", "value": 1}]`:          "spec.typo: unknown field",
		`[{"op": "replace", "path": "/kind", "value": "Pod"}]`:       `kind "Pod"`,
		`[` + double + `{"op": "remove", "path": "/metadata/name"}]`: "copy",
	}
	for patch, want := range refused {
		if _, err := JSON(base, []byte(patch)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("JSON(%.100s): %v, want %q", patch, err, want)
		}
	}
}
