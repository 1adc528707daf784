package documents

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: shop\nspec: {}\n"

// A file gives its profiles, and says what else is in it. What is nearly a
// profile is an error: nobody would guard its workload.
func TestRead(t *testing.T) {
	profile := "apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1\nkind: ApplicationProfile\nmetadata: {name: third}\nspec: {containers: null}\n"
	item := func(text string) string {
		return "- " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
	}
	tests := map[string]struct {
		text   string
		want   string // names of profiles
		passed string
		err    string
	}{
		"between":          {text: deployment + "---\n" + bill + "---\napiVersion: v1\nkind: Service\n", want: "web", passed: "passes over Deployment shop in line 1, which is of another kind; passes over Service in line 14, which is of another kind"},
		"behind empty":     {text: bill + "---\n---\n" + profile, want: "web third"},
		"list of all":      {text: "apiVersion: v1\nkind: List\nitems:\n" + item(deployment) + item(bill) + item(profile), want: "web third", passed: "passes over Deployment shop in line 4, which is of another kind"},
		"others alone":     {text: deployment, err: "no document but Deployment shop, which are of other kinds"},
		"nothing":          {text: "# c\n", err: "no document"},
		"wrong version":    {text: strings.Replace(bill, "v1alpha1", "v9", 1), err: "apiVersion"},
		"wrong group":      {text: strings.Replace(bill, "bobwatch/", "bobwatch.example/", 1), err: "apiVersion"},
		"wrong kind":       {text: strings.Replace(bill, "BillOfBehavior", "BillOfBehaviour", 1), err: "kind"},
		"kind in capitals": {text: strings.Replace(strings.Replace(bill, "bobwatch/v1alpha1", "x/v1", 1), "BillOfBehavior", "BILLOFBEHAVIOR", 1), err: "kind"},
		"no kind":          {text: "apiVersion: v1\nmetadata: {name: x}\n", err: "kind"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			content, err := Read("f", []byte(tt.text))
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("Read: %v, want %q", err, tt.err)
			}
			var names, passed []string
			for _, p := range content.Profiles {
				names = append(names, p.Metadata.Name)
			}
			for _, o := range content.Passed {
				passed = append(passed, o.Remark())
			}
			if diff := cmp.Diff(tt.want, strings.Join(names, " ")); diff != "" {
				t.Errorf("profiles (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.passed, strings.Join(passed, "; ")); diff != "" {
				t.Errorf("passed over (-want +got):\n%s", diff)
			}
		})
	}
}
