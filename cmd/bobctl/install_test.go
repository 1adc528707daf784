package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"bobwatch/internal/catalog"
	"bobwatch/internal/rollout"
)

// documentsIn returns what agents would read from the ConfigMap; nil if there
// is none that they would look at.
func documentsIn(t *testing.T, client *kubernetes.Clientset, namespace, name string) []catalog.Document {
	t.Helper()
	list, err := client.CoreV1().ConfigMaps(namespace).List(t.Context(), metav1.ListOptions{
		LabelSelector: catalog.Label + "=" + catalog.LabelValue, FieldSelector: "metadata.name=" + name,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) == 0 {
		return nil
	}
	return rollout.Published(&list.Items[0]).Documents()
}

// step is a command line with what it has to come to.
type step struct {
	name  string
	input string
	args  []string
	code  int
	want  string // in what it says
}

func (s step) run(t *testing.T) {
	t.Helper()
	o := bobctl(t, s.input, s.args...)
	if o.code != s.code || !strings.Contains(o.out+o.err, s.want) {
		t.Fatalf("%s: bobctl %q: got exit code %d and\n%s%s\nwant %d and %q", s.name, s.args, o.code, o.out, o.err, s.code, s.want)
	}
}

// The steps of a life: refused, tried, installed, again, changed, removed,
// again.
func TestInstall(t *testing.T) {
	client := controlPlane(t)
	workspace(t)
	keys(t, "vendor", "stranger")
	succeed(t, "", "sign", "webapp.yaml", "--key", "vendor.key")
	writeFile(t, "tampered.yaml", strings.Replace(readFile(t, "webapp.yaml"), "/bin/true", "/bin/false", 1))
	writeFile(t, "wide.values", "clientCIDR: 0.0.0.0/0\n")
	writeFile(t, "good.values", "clientCIDR: 10.1.0.0/16\n")
	writeFile(t, "elsewhere.yaml", strings.Replace(readFile(t, "webapp.yaml"), "kind: Deployment, ", "kind: Deployment, namespace: blog, ", 1))

	install := func(file string, more ...string) []string {
		return append([]string{"install", file, "-n", "shop", "--wait=false"}, more...)
	}
	signed := []string{"--key", "vendor.pub", "--yes"}
	for _, s := range []step{
		{name: "nobody is trusted", args: install("webapp.yaml"), code: exitUsage, want: "say whom to trust"},
		{name: "another signed it", args: install("webapp.yaml", "--key", "stranger.pub"), code: exitFound, want: "ask its vendor for the right key"},
		{name: "unsigned", args: install("webapp-next.yaml", signed...), code: exitFound, want: "webapp-next.sigstore.json"},
		{name: "tampered", args: install("tampered.yaml", append(signed, "--bundle", "webapp.sigstore.json")...), code: exitFound, want: "do not use it"},
		{name: "a value too wide", args: install("webapp.yaml", append(signed, "--values", "wide.values")...), code: exitError, want: "clientCIDR"},
		{name: "another namespace's", args: install("elsewhere.yaml", "--insecure-skip-verify"), code: exitUsage, want: "--namespace blog"},
		{name: "no name for a ConfigMap", args: install("webapp.yaml", append(signed, "--name", "a.values")...), code: exitUsage, want: ".values"},
		{name: "verified and not", args: install("webapp.yaml", "--key", "vendor.pub", "--insecure-skip-verify"), code: exitUsage, want: "leave it out"},
		{name: "no such namespace", args: []string{"install", "webapp.yaml", "-n", "none", "--key", "vendor.pub", "--yes"}, code: exitError, want: `"none" not found`},
		{name: "dry run", args: install("webapp.yaml", append(signed, "--dry-run")...), want: "Nothing was changed"},
	} {
		s.run(t)
	}
	if got := documentsIn(t, client, "shop", "webapp"); got != nil {
		t.Fatalf("it was installed: %+v", got)
	}

	for _, s := range []step{
		{name: "first", args: install("webapp.yaml", signed...), want: "container web: 4 syscalls, 3 execs, 3 opens"},
		{name: "again", args: install("webapp.yaml", signed...), want: "shop/webapp is installed already"},
		{name: "other values", args: install("webapp.yaml", append(signed, "--values", "good.values")...), want: "allows the same as before"},
		{name: "unsigned update", args: install("webapp-next.yaml", "--insecure-skip-verify", "--yes", "--name", "webapp"), want: "  + gettid"},
	} {
		s.run(t)
	}
	got := documentsIn(t, client, "shop", "webapp")
	if len(got) != 1 || got[0].Err != nil || string(got[0].Data) != readFile(t, "webapp-next.yaml") || got[0].Signatures != nil || got[0].Values != nil {
		t.Errorf("installed is %+v, want webapp-next.yaml and nothing of what was there before", got)
	}

	for _, s := range []step{
		{name: "trial of removal", args: []string{"uninstall", "webapp", "-n", "shop", "--dry-run"}, want: "Nothing was changed"},
		{name: "removal", args: []string{"uninstall", "webapp", "-n", "shop", "--yes", "--wait=false"}, want: "for Deployment webapp in namespace shop"},
		{name: "removal again", args: []string{"uninstall", "webapp", "-n", "shop", "--yes", "--wait=false"}, want: "is not installed"},
		{name: "no agent", args: []string{"install", "webapp.yaml", "-n", "shop", "--key", "vendor.pub", "--yes"}, code: exitError, want: "no agent runs in the cluster"},
	} {
		s.run(t)
	}
}

// What is in a ConfigMap already is not overwritten by mistake.
func TestInstallSpares(t *testing.T) {
	client := controlPlane(t)
	workspace(t)
	for _, m := range []*corev1.ConfigMap{
		{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"a": "b"}},
		{
			ObjectMeta: metav1.ObjectMeta{Name: "both", Labels: map[string]string{catalog.Label: catalog.LabelValue}},
			Data:       map[string]string{"other.yaml": readFile(t, "webapp.yaml")},
		},
	} {
		if _, err := client.CoreV1().ConfigMaps("shop").Create(t.Context(), m, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	install := func(name string) []string {
		return []string{"install", "webapp.yaml", "--name", name, "-n", "shop", "--insecure-skip-verify", "--yes", "--wait=false"}
	}
	for _, s := range []step{
		{name: "something else", args: install("settings"), code: exitError, want: "holds no documents"},
		{name: "another document", args: install("both"), code: exitError, want: "holds other too"},
		{name: "removal of something else", args: []string{"uninstall", "settings", "-n", "shop", "--yes"}, code: exitError, want: "holds no documents"},
	} {
		s.run(t)
	}
}

// A document that is larger than what an object may have is compressed, and the
// same again.
func TestInstallLarge(t *testing.T) {
	client := controlPlane(t)
	workspace(t)
	var opens strings.Builder
	for range 30_000 {
		opens.WriteString("    - {path: /var/www/html/a-name-of-some-length/index.html, flags: [O_RDONLY]}\n")
	}
	large := "apiVersion: bobwatch/v1alpha1\nkind: BillOfBehavior\nmetadata: {name: large}\n" +
		"spec:\n  workload: {kind: Deployment, name: large}\n  containers:\n  - name: web\n    opens:\n" + opens.String()
	writeFile(t, "large.yaml", large)
	args := []string{"install", "large.yaml", "-n", "shop", "--insecure-skip-verify", "--yes", "--wait=false", "-o", "json"}
	for _, changed := range []bool{true, false} {
		var result rollout.Result
		if err := json.Unmarshal([]byte(succeed(t, "", args...)), &result); err != nil {
			t.Fatal(err)
		}
		got := documentsIn(t, client, "shop", "large")
		if len(got) != 1 || string(got[0].Data) != large {
			t.Fatalf("installed are %d documents, want the one", len(got))
		}
		want := rollout.Result{Namespace: "shop", Name: "large", Digest: got[0].Digest(), Changed: changed}
		if result.Changed != changed || result.Digest != want.Digest {
			t.Errorf("got %+v, want %+v", result, want)
		}
	}
}

// Without a kubeconfig bobctl says which ways there are to name one.
func TestNoCluster(t *testing.T) {
	workspace(t)
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("HOME", t.TempDir())
	for _, variable := range []string{"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"} {
		t.Setenv(variable, "")
		os.Unsetenv(variable)
	}
	o := bobctl(t, "", "uninstall", "webapp", "--yes")
	if o.code != exitError || !strings.Contains(o.err, "--kubeconfig") {
		t.Errorf("got exit code %d and %q, want advice", o.code, o.err)
	}
}
