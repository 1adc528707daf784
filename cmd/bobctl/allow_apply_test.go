package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"bobwatch/internal/profile/documents"
	"bobwatch/internal/rollout"
	"bobwatch/internal/signing"
	"bobwatch/internal/term"
)

// appliedCalls returns the system calls that the allowances of a workload in the
// cluster allow on amd64.
func appliedCalls(t *testing.T, client *kubernetes.Clientset, name string) []string {
	t.Helper()
	for _, d := range documentsIn(t, client, "shop", rollout.AllowanceMap) {
		if d.Name != name {
			continue
		}
		profiles, err := documents.Parse(d.File, d.Data)
		if err != nil {
			t.Fatal(err)
		}
		if len(profiles) != 1 || !profiles[0].IsAllowance() {
			t.Fatalf("%s is not one allowance", d.File)
		}
		return profiles[0].Spec.Containers[0].Syscalls["amd64"]
	}
	return nil
}

func applyCall(call string, more ...string) []string {
	return append([]string{"allow", "--apply", "--wait=false", "--workload", "shop/Deployment/webapp", "--container", "web", "--syscall", call}, more...)
}

func TestAllowApply(t *testing.T) {
	client := controlPlane(t)
	workspace(t)
	keys(t, "ops", "stranger")
	alerts := `{"fingerprint":"f","rule":"R0003","severity":"low","allow":{"workload":{"namespace":"shop","kind":"StatefulSet","name":"db"},"container":{"name":"db","syscalls":{"amd64":["dup"],"arm64":["dup"]}}}}` + "\n" +
		`{"fingerprint":"g","rule":"R0003","severity":"low","allow":{"workload":{"namespace":"shop","kind":"Deployment","name":"webapp"},"container":{"name":"web","syscalls":{"amd64":["gettid"],"arm64":["gettid"]}}}}` + "\n"
	for _, s := range []step{
		{name: "to a file as well", args: applyCall("dup", "--file", "x.yaml"), code: exitUsage, want: "either --apply or --file"},
		{name: "signed to a file", args: []string{"allow", "--key", "ops.key", "--workload", "a/b/c", "--syscall", "dup"}, code: exitUsage, want: "--apply"},
		{name: "elsewhere", args: applyCall("dup", "-n", "blog"), code: exitUsage, want: "no effect in blog"},
		{name: "no key for a name", args: []string{"allow", "--apply", "--workload", "shop/Deployment/a b", "--syscall", "dup"}, code: exitUsage, want: "cannot name a document"},
		{name: "trial", args: applyCall("dup", "--key", "ops.key", "--dry-run"), want: "name: webapp-allowances"},
	} {
		s.run(t)
	}
	if got := documentsIn(t, client, "shop", rollout.AllowanceMap); got != nil {
		t.Fatalf("it was applied: %+v", got)
	}
	for _, s := range []step{
		{name: "first", args: applyCall("dup", "--key", "ops.key"), want: "+ syscall dup"},
		{name: "again", args: applyCall("dup", "--key", "ops.key"), want: "allows shop/Deployment/webapp, container web already"},
		{name: "from alerts", input: alerts, args: []string{"allow", "--apply", "--wait=false", "--alert", "-", "--key", "ops.key"}, want: "+ syscall gettid"},
		{name: "unsigned", args: applyCall("dup3"), code: exitError, want: "name the key by --key"},
		{name: "by another", args: applyCall("dup3", "--key", "stranger.key"), code: exitFound, want: "bobctl uninstall -n shop " + rollout.AllowanceMap},
	} {
		s.run(t)
	}
	for name, want := range map[string]string{"deployment-webapp": "[dup gettid]", "statefulset-db": "[dup]"} {
		if got := fmt.Sprint(appliedCalls(t, client, name)); got != want {
			t.Errorf("%s allows %s, want %s", name, got, want)
		}
	}
	list := documentsIn(t, client, "shop", rollout.AllowanceMap)
	verifier, err := (&signing.Trust{Keys: []string{"ops.pub"}}).Verifier(&term.Terminal{})
	if err != nil {
		t.Fatal(err)
	}
	m := rollout.Published(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: rollout.AllowanceMap}})
	if _, err := rollout.Admit(verifier, m, list); err != nil {
		t.Errorf("an agent would not take it: %v", err)
	}

	// What somebody slipped in is not signed with the rest.
	slipped := strings.Replace(string(list[0].Data), "- dup", "- dup\n      - ptrace", 1)
	patch := fmt.Sprintf(`{"data":{"deployment-webapp.yaml":%q}}`, slipped)
	if _, err := client.CoreV1().ConfigMaps("shop").Patch(t.Context(), rollout.AllowanceMap, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	step{name: "onto what was slipped in", args: applyCall("dup3", "--key", "ops.key"), code: exitFound, want: "this key did not sign what is there"}.run(t)
}

// Of several who apply at the same time nobody's allowance is lost.
func TestAllowApplyTogether(t *testing.T) {
	client := controlPlane(t)
	workspace(t)
	calls := []string{"dup", "dup3", "gettid"}
	var all sync.WaitGroup
	for _, call := range calls {
		all.Go(func() {
			if o := bobctl(t, "", applyCall(call)...); o.code != 0 {
				t.Errorf("allow %s: exit code %d: %s", call, o.code, o.err)
			}
		})
	}
	all.Wait()
	if got := fmt.Sprint(appliedCalls(t, client, "deployment-webapp")); got != fmt.Sprint(calls) {
		t.Errorf("allowed is %s, want %s", got, calls)
	}
}
