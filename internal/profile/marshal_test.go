package profile

import (
	"testing"

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
