package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSupport(t *testing.T) {
	with := withContainer(t, "syscalls: {amd64: [openat]}, support: [kernel/1, descriptors/1, kernel/1]")
	if diff := cmp.Diff([]string{"descriptors/1", "kernel/1"}, with.Spec.Containers[0].Support); diff != "" {
		t.Errorf("normalised (-want +got):\n%s", diff)
	}
	without := withContainer(t, "syscalls: {amd64: [openat]}")
	spelt := &Profile{APIVersion: APIVersion, Kind: Kind, Metadata: with.Metadata, Spec: Spec{Containers: []Container{Expand(with.Spec.Containers[0])}}}
	if missing := Covers(with, spelt); len(missing) > 0 {
		t.Errorf("a document does not cover what its support sets allow: %s", jsonText(missing))
	}
	if missing := Covers(with, without); len(missing) > 0 {
		t.Errorf("a document with support sets lacks %s", jsonText(missing))
	}
	if diff := Diff(without, with).String(); diff != "container web\n  support\n  + descriptors/1\n  + kernel/1\n" {
		t.Errorf("Diff = %q", diff)
	}
	merged := mustMerge(t, without, with)
	if !cmp.Equal(merged.Spec.Containers[0].Support, with.Spec.Containers[0].Support) {
		t.Errorf("merged: %v", merged.Spec.Containers[0].Support)
	}
	if canonical(t, with) == canonical(t, without) {
		t.Error("the signed bytes do not name the support sets")
	}
}

// A set that a later version brings allows nobody knows what.
func TestSupportUnknown(t *testing.T) {
	for _, id := range []string{"libc/999", "libc", "$(set)"} {
		_, err := Parse("f", []byte(native("    support: ['"+id+"']\n")))
		if err == nil || !strings.Contains(err.Error(), "f:7:15: spec.containers[0].support[0]") {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestExpandIsConditional: a companion needs the call that it belongs to, on the
// same architecture.
func TestExpandIsConditional(t *testing.T) {
	c := Expand(Container{
		Syscalls: map[string][]string{"amd64": {"socket"}, "arm64": {"read"}},
		Support:  []string{"sockets/1"},
	})
	for arch, want := range map[string]bool{"amd64": true, "arm64": false, "386": false} {
		if got := strings.Contains(strings.Join(c.Syscalls[arch], " "), "getsockopt"); got != want {
			t.Errorf("%s: getsockopt %t, want %t", arch, got, want)
		}
	}
	if c.Support != nil {
		t.Errorf("support %v is left", c.Support)
	}
}
