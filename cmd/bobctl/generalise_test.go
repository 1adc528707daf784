package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/profile/documents"
)

func TestGeneralise(t *testing.T) {
	const learned = `apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: web}
spec:
  containers:
  - name: web
    opens:
    - {path: /opt/shop/alice, flags: [O_RDWR]}
    - {path: /opt/shop/bob, flags: [O_RDWR]}
    - {path: /opt/shop/carol, flags: [O_RDWR]}
`
	opens := func(text string) []string {
		t.Helper()
		profiles, err := documents.Parse("result", []byte(text))
		if err != nil || len(profiles) != 1 {
			t.Fatalf("Parse = %d documents, %v", len(profiles), err)
		}
		var paths []string
		for _, o := range profiles[0].Spec.Containers[0].Opens {
			paths = append(paths, o.Path)
		}
		return paths
	}
	few := []string{"/opt/shop/alice", "/opt/shop/bob", "/opt/shop/carol"}
	if diff := cmp.Diff(few, opens(succeed(t, learned, "generalise", "-"))); diff != "" {
		t.Errorf("by default (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/opt/shop/⋯"}, opens(succeed(t, learned, "generalise", "--opens", "2", "-"))); diff != "" {
		t.Errorf("with --opens 2 (-want +got):\n%s", diff)
	}
	for _, flag := range []string{"--opens", "--values", "--lengths", "--commands"} {
		if o := bobctl(t, learned, "generalise", flag, "0", "-"); o.code != exitUsage || !strings.Contains(o.err, "at least 1") {
			t.Errorf("%s 0: exit code %d, %s", flag, o.code, o.err)
		}
	}
}
