package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/profile"
)

// A pair published as two files: the neighborhood is no profile of what the
// container does, with or without its partner.
func TestNeighborhoodIsNoProfile(t *testing.T) {
	document := func(kind, completion, container string) Document {
		return Document{Name: kind, Data: []byte(`apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1
kind: ` + kind + `
metadata:
  name: web
  annotations: {kubescape.io/status: completed, kubescape.io/completion: ` + completion + `}
  labels: {kubescape.io/workload-kind: Deployment, kubescape.io/workload-name: webapp}
spec:
  containers: [{name: web, ` + container + `}]
`)}
	}
	neighborhood := document("NetworkNeighborhood", "partial", "egress: [{identifier: a, type: external, dnsNames: [a.example]}]")
	tests := map[string]struct {
		documents        []Document
		wantBase         bool
		wantCompleteness profile.Completeness
	}{
		"neighborhood":   {[]Document{neighborhood}, false, ""},
		"system calls":   {[]Document{neighborhood, document("ApplicationProfile", "complete", "syscalls: [read]")}, true, profile.Complete},
		"executions":     {[]Document{document("ApplicationProfile", "complete", "execs: [{path: /app}]")}, true, profile.Complete},
		"opens":          {[]Document{document("ApplicationProfile", "complete", "opens: [{path: /app}]")}, true, profile.Complete},
		"nothing of all": {[]Document{document("ApplicationProfile", "complete", "capabilities: [CHOWN]")}, false, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t, accepting("shop"))
			r.Publish("test", tt.documents)
			got := r.For(Query{Workload: shop, Container: "web"})
			if got.Base != tt.wantBase || got.Completeness != tt.wantCompleteness || len(got.Containers) != len(tt.documents) {
				t.Errorf("For = %+v, want %d containers, base %t, completeness %q",
					got, len(tt.documents), tt.wantBase, tt.wantCompleteness)
			}
		})
	}
}

// A document in force speaks for what it says, an allowance for nothing, and one
// that speaks for the network alone leaves the rest to learning.
func TestSensesInForce(t *testing.T) {
	document := func(name, labels, senses string) Document {
		return Document{Name: name, Data: []byte(`apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: ` + name + `, labels: {` + labels + `}}
spec: {` + senses + `workload: {kind: Deployment, name: webapp}, containers: [{name: web, opens: [{path: /a}]}]}
`)}
	}
	silent, network := document("silent", "", ""), document("network", "", "senses: [network], ")
	allowance := document("allowance", "bobwatch/allowance: 'true'", "senses: [changes], ")
	tests := map[string]struct {
		documents []Document
		want      []profile.Sense
		wantBase  bool
	}{
		"silent":            {[]Document{silent}, profile.DefaultSenses, true},
		"network":           {[]Document{network}, []profile.Sense{"network"}, false},
		"both":              {[]Document{network, silent}, []profile.Sense{"execs", "network", "opens", "syscalls"}, true},
		"with an allowance": {[]Document{allowance, silent}, profile.DefaultSenses, true},
		"allowance alone":   {[]Document{allowance}, nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t, accepting("shop"))
			r.Publish("test", tt.documents)
			got := r.For(Query{Workload: shop, Container: "web"})
			if diff := cmp.Diff(tt.want, got.Senses); diff != "" || got.Base != tt.wantBase {
				t.Errorf("base %t, want %t; senses (-want +got):\n%s", got.Base, tt.wantBase, diff)
			}
		})
	}
}
