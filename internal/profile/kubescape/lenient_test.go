package kubescape

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/profile"
)

// Null is nothing wherever it stands, and never widens what is allowed.
func TestKubescapeNull(t *testing.T) {
	p := onlyProfile(t, "f", `apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1
kind: ApplicationProfile
metadata: {name: x}
spec:
  architectures: [amd64, null]
  containers:
  - null
  - name: c
    syscalls: [read, null]
    capabilities: [null, CHOWN]
    execs: [null, {path: /a, args: [null]}, {path: /b, args: null}]
    opens: [{path: /a, flags: [null]}, {path: /b, flags: [O_RDONLY, null]}, null]
    endpoints: [null]
    egress: [null, {identifier: i, dnsNames: [null], ports: [null]}]
  initContainers: null
`)
	want := []profile.Container{{
		Name:         "c",
		Syscalls:     map[string][]string{"amd64": {"read"}},
		Capabilities: []string{"CHOWN"},
		Execs:        []profile.Exec{{Path: "/a", Args: []string{""}}, {Path: "/b"}},
		Opens:        []profile.Open{{Path: "/a"}, {Path: "/b", Flags: []string{"O_RDONLY"}}},
		Network:      profile.Network{Egress: []profile.Neighbor{{Identifier: "i"}}},
	}}
	if diff := cmp.Diff(want, p.Spec.Containers); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
	if len(p.Spec.Kubescape) > 0 {
		t.Errorf("kept %v", p.Spec.Kubescape)
	}
}

// Keys are texts, as they were written, and so are truth values and the names
// of architectures, in whatever case.
func TestKubescapeSpellings(t *testing.T) {
	p := onlyProfile(t, "f", `apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1
kind: ContainerProfile
metadata:
  name: x
  labels: {010: v, 1.10: a, ~: n, 0x1f: h, yes: y, "q": q}
spec:
  architectures: [AMD64, X86_64, AArch64]
  syscalls: [read]
  execs:
  - {path: /a, argsRequired: yes}
  - {path: /b, argsRequired: "On"}
  - {path: /c, argsRequired: 1}
  - {path: /d, argsRequired: no}
  - {path: /e, argsRequired: OFF}
`)
	labels := map[string]string{"010": "v", "1.10": "a", "~": "n", "0x1f": "h", "yes": "y", "q": "q"}
	if diff := cmp.Diff(labels, p.Metadata.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	want := []profile.Container{{
		Syscalls: map[string][]string{"amd64": {"read"}, "arm64": {"read"}},
		Execs: []profile.Exec{
			{Path: "/a", ArgsRequired: true},
			{Path: "/b", ArgsRequired: true},
			{Path: "/c", ArgsRequired: true},
			{Path: "/d"},
			{Path: "/e"},
		},
	}}
	if diff := cmp.Diff(want, p.Spec.Containers); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
}

func TestIsKubescape(t *testing.T) {
	for apiVersion, want := range map[string]bool{
		"spdx.softwarecomposition.kubescape.io/v1beta1": true,
		"kubescape.io/v1":      true,
		"kubescape.io":         true,
		"evilkubescape.io/v1":  false,
		"kubescape.io.evil/v1": false,
		"bobwatch/v1alpha1":    false,
	} {
		if got := Is(apiVersion, kindApplicationProfile); got != want {
			t.Errorf("isKubescape(%q) = %t, want %t", apiVersion, got, want)
		}
	}
}

// A user's overlay is an allowance, which later changes of its name and
// annotations do not undo.
func TestKubescapeOverlay(t *testing.T) {
	tests := map[string]struct {
		metadata string
		want     bool
	}{
		"overlay":              {"{name: ug-web, annotations: {kubescape.io/managed-by: User}}", true},
		"labelled as none":     {"{name: ug-web, annotations: {kubescape.io/managed-by: User}, labels: {bobwatch/allowance: 'false'}}", true},
		"labelled":             {"{name: web, labels: {bobwatch/allowance: 'true'}}", true},
		"name only":            {"{name: ug-web}", false},
		"a user's own profile": {"{name: web, annotations: {kubescape.io/managed-by: User}}", false},
		"managed by another":   {"{name: ug-web, annotations: {kubescape.io/managed-by: Helm}}", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := onlyProfile(t, "f", "apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1\nkind: ApplicationProfile\nmetadata: "+tt.metadata+"\n")
			roundTrip(t, []*profile.Profile{p})
			p.Metadata.Name, p.Metadata.Annotations = "other", nil
			if got := p.IsAllowance(); got != tt.want {
				t.Errorf("IsAllowance = %t, want %t", got, tt.want)
			}
		})
	}
}
