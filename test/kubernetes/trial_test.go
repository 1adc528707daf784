package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/report"
)

// manifest deploys the application for a test and for nothing else.
const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: webapp}
spec:
  replicas: 2
  selector: {matchLabels: {app: webapp}}
  template:
    metadata: {labels: {app: webapp}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: web
        image: localhost/webapp:1
        readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: DoNotSchedule
        labelSelector: {matchLabels: {app: webapp}}
`

// TestTrial holds the application on two nodes to its vendor's document, which
// is neither in force nor trusted there: benign load passes, an attack is
// reported with pod, node and the chain of processes, and with the patch for it
// the same passes.
func TestTrial(t *testing.T) {
	l := newLab(t)
	document := l.vendorDocument(t)
	w := l.newWebapp(t, "trial")
	w.deploy(t, 2, withoutWindow)
	file := func(name string) string { return filepath.Join(t.TempDir(), name) }
	patch, junit, page := file("patch.yaml"), file("report.xml"), file("report.html")
	test := func(code int, during func(), args ...string) *report.Report {
		return w.test(t, code, during, append([]string{document, "--workload", "trial/deploy/webapp"}, args...)...)
	}

	r := test(0, nil)
	if r.Verdict != report.Passed || len(r.Instances) != 2 || len(nodesOf(r)) != 2 {
		t.Errorf("benign load: %s of %+v", r.Verdict, r.Instances)
	}
	attack := func() {
		for _, p := range w.pods(t) {
			if _, err := visit(t.Context(), p, 80, "/ping.php?ip=127.0.0.1;tac+/etc/hosts"); err != nil {
				t.Error(err)
			}
		}
	}
	r = test(3, attack, "--patch", patch, "--junit", junit, "--html", page)
	i := slices.IndexFunc(r.Deviations(), func(d report.Deviation) bool {
		return strings.HasPrefix(d.Act, "execution of /usr/bin/tac") && len(d.Actors) == 2
	})
	if i < 0 {
		t.Fatalf("the injected command was not seen in both pods: %+v", r.Groups)
	}
	for _, actor := range r.Deviations()[i].Actors {
		if s := actor.String(); !strings.Contains(s, "/usr/sbin/apache2 → /usr/bin/dash → /usr/bin/tac in pod webapp-") || !strings.Contains(s, "on node ") {
			t.Errorf("who did it: %s", s)
		}
	}
	w.checkJUnit(t, junit)
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "/usr/bin/tac") {
		t.Errorf("page: %v", err)
	}
	w.mustReportEarly(t, document)
	if r = test(0, attack, "--baseline", patch); r.Verdict != report.Passed {
		t.Errorf("with the patch: %s %+v", r.Verdict, r.Groups)
	}
}

// mustReportEarly ends a test as ctrl-C does, and wants the report.
func (w *webapp) mustReportEarly(t *testing.T, document string) {
	t.Helper()
	cmd := w.command(t, "test", document, "--workload", "trial/deploy/webapp", "--for", "10m", "-o", "json")
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		w.visitAll(t.Context())
		time.Sleep(time.Second)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	r := new(report.Report)
	if jsonErr := json.Unmarshal(out.Bytes(), r); err != nil || jsonErr != nil || r.Verdict != report.Passed || r.Duration() > time.Minute {
		t.Errorf("interrupted: %v, %v, %s after %s", err, jsonErr, r.Verdict, r.Duration())
	}
}

// TestTrialOfManifest deploys the application for the test, sees it start, and
// leaves nothing.
func TestTrialOfManifest(t *testing.T) {
	l := newLab(t)
	document := l.vendorDocument(t)
	w := l.newWebapp(t, "manifest")
	w.account(t)
	path := filepath.Join(t.TempDir(), "bob.test.yaml")
	if err := os.WriteFile(path, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	r := w.test(t, 0, nil, document, "--file", path)
	if r.Verdict != report.Passed || len(nodesOf(r)) != 2 || strings.Contains(strings.Join(r.Caveats, " "), "start was not seen") {
		t.Errorf("from its manifest: %s of %+v, %q", r.Verdict, r.Instances, r.Caveats)
	}
	_, err := w.client.AppsV1().Deployments(w.namespace).Get(t.Context(), "webapp", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the Deployment is left: %v", err)
	}
	w.expect(t, 1, "no pod of Deployment manifest/webapp", "test", document, "--workload", "manifest/deploy/webapp")
}

// test runs bobctl test under load, and something more in the middle of it.
func (w *webapp) test(t *testing.T, code int, during func(), args ...string) *report.Report {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		for begun := time.Now(); ctx.Err() == nil; time.Sleep(500 * time.Millisecond) {
			w.visitAll(ctx)
			if during != nil && time.Since(begun) > 12*time.Second {
				during()
				during = nil
			}
		}
	}()
	out := w.expect(t, code, "", append([]string{"test", "--for", "25s", "-o", "json"}, args...)...)
	stop()
	<-loaded
	r := new(report.Report)
	if err := json.Unmarshal([]byte(out), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// visitAll visits what answers: a deployment may be on the way.
func (w *webapp) visitAll(ctx context.Context) {
	list, err := w.client.CoreV1().Pods(w.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=webapp"})
	if err != nil {
		return
	}
	for _, p := range list.Items {
		for _, path := range []string{"/", "/pages/7.html", "/ping.php?ip=127.0.0.9"} {
			if p.Status.PodIP != "" {
				_, _ = visit(ctx, p, 80, path) // it may not serve yet, or no more
			}
		}
	}
}

func nodesOf(r *report.Report) map[string]bool {
	nodes := make(map[string]bool)
	for _, i := range r.Instances {
		nodes[i.Node] = true
	}
	return nodes
}

func (w *webapp) checkJUnit(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	var suites struct {
		Failures int `xml:"failures,attr"`
	}
	if err := errors.Join(err, xml.Unmarshal(text, &suites)); err != nil || suites.Failures == 0 {
		t.Errorf("JUnit report: %v, %d failures", err, suites.Failures)
	}
}
