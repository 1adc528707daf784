package profile

import (
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestMarshalIsParsedBack(t *testing.T) {
	want := Normalise(&Profile{
		APIVersion: APIVersion,
		Kind:       Kind,
		Metadata:   Metadata{Name: "web", Labels: map[string]string{"a": "true"}},
		Spec: Spec{
			Parameters: []Parameter{{Name: "net", Kind: ParameterCIDR, Default: "10.0.0.0/8", WidestPrefix: 8}},
			Workload:   Workload{Namespace: "default", Kind: "Deployment", Name: "web"},
			Containers: []Container{{
				Name:     "yes",
				Syscalls: map[string][]string{"386": {"read"}, "amd64": {"read", "write"}},
				Execs:    []Exec{{Path: "/bin/sh", Args: []string{"sh", "-c", "a: b # c\n\t\"'$(x) ⋯"}}},
				Opens:    []Open{{Path: "/etc/⋯/x y", Flags: []string{"O_RDONLY"}}, {Path: "/~", Flags: []string{"O_RDWR"}}},
				Network:  Network{Egress: []Neighbor{{Identifier: "a", Ports: []Port{{Protocol: "TCP", Port: "0443"}}}}},
			}},
			Provenance: Provenance{LearnedFor: "30s", From: "start", Completeness: Complete, Lost: 1},
		},
	})
	text, err := Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse("marshalled.yaml", text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff([]*Profile{want}, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, text)
	}
}

// A container that chooses its arguments must not be able to make a profile
// unreadable, nor to steer the terminal of who looks at it.
func TestMarshalIsPrintable(t *testing.T) {
	args := []string{
		"echo a\n  echo b\n", "\n a", " a\n", "|-\n", "a\r\nb", "\x1b[31m", "\u009b31m", "a\u0085b", "a\u2028b", "\x7f", "\u202e",
		"\ufeff", "\U000e0001", "", "~", "null", "12", "0x1f", "x: y", "- z", "# c", "'", `"`, `\`, "%x", "@", "a\tb",
	}
	text, err := Marshal(&Profile{
		APIVersion: APIVersion,
		Kind:       Kind,
		Metadata:   Metadata{Name: "web", Labels: map[string]string{"a\x1b\nb": "true"}},
		Spec:       Spec{Containers: []Container{{Name: "web", Execs: []Exec{{Path: "/bin/\x1b", Args: args}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range string(text) {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("byte %d is %q", i, r)
		}
	}
	profiles, err := Parse("marshalled.yaml", text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff(args, profiles[0].Spec.Containers[0].Execs[0].Args); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, text)
	}
}
