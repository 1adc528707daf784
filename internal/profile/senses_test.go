package profile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSensesOf(t *testing.T) {
	acts, peers := "opens: [{path: /a}]", "network: {egress: [{ipAddresses: [10.0.0.1]}]}"
	tests := map[string]struct {
		document string
		want     []Sense
	}{
		"silent":              {"spec: {containers: [{name: w, " + acts + "}]}", DefaultSenses},
		"silent, no acts":     {"spec: {containers: [{name: w, " + peers + "}]}", nil},
		"said":                {"spec: {senses: [opens, network], containers: [{name: w, " + acts + "}]}", []Sense{SenseNetwork, SenseOpens}},
		"said and left empty": {"spec: {senses: [network], containers: [{name: w}]}", []Sense{SenseNetwork}},
		"an empty list":       {"spec: {senses: [], containers: [{name: w, " + acts + "}]}", DefaultSenses},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := mustParse(t, "apiVersion: bobwatch/v1alpha1\nkind: BillOfBehavior\nmetadata: {name: web}\n"+tt.document+"\n")
			if diff := cmp.Diff(tt.want, p.SensesOf(&p.Spec.Containers[0])); diff != "" {
				t.Errorf("SensesOf (-want +got):\n%s", diff)
			}
			p.Metadata.Labels = map[string]string{AllowanceLabel: "true"}
			if got := p.SensesOf(&p.Spec.Containers[0]); got != nil {
				t.Errorf("an allowance speaks for %v", got)
			}
		})
	}
}

// An allowance must not make a profile judge more, and a difference in what is
// spoken for is one, though nothing more or less is listed.
func TestSensesOfDocuments(t *testing.T) {
	document := func(senses string) *Profile {
		return mustParse(t, "apiVersion: bobwatch/v1alpha1\nkind: BillOfBehavior\nmetadata: {name: web}\nspec: {"+senses+"containers: [{name: w, opens: [{path: /a}]}]}\n")
	}
	silent, some, more := document(""), document("senses: [opens], "), document("senses: [network, opens], ")
	allowance := document("senses: [network, capabilities], ")
	allowance.Metadata.Labels = map[string]string{AllowanceLabel: "true"}
	for name, p := range map[string]*Profile{"silent": silent, "some": some} {
		if got := mustMerge(t, allowance, p).Spec.Senses; !cmp.Equal(got, p.Spec.Senses) {
			t.Errorf("%s with an allowance speaks for %v", name, got)
		}
	}
	if d := Diff(some, more); d.Empty() || d.String() != "senses\n  + network\n" {
		t.Errorf("Diff = %q", d)
	}
	if d := Diff(more, silent).String(); d != "senses\n  - network\n  + execs\n  + syscalls\n" {
		t.Errorf("Diff = %q", d)
	}
	if canonical(t, some) == canonical(t, more) {
		t.Error("the signed bytes do not tell what is spoken for")
	}
}
