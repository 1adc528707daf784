package catalog

import (
	"testing"

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
