package kubernetes

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// webapp is the application with the page that pings, as a Deployment in a
// namespace of its own.
type webapp struct {
	*lab
	namespace string
	name      string // of the Deployment
	round     int    // of load
}

// learningWindow is long enough for a few rounds of load on each replica.
const learningWindow = 20 * time.Second

// newWebapp makes a namespace that goes with the test. Nothing runs in it yet.
func (l *lab) newWebapp(t *testing.T, namespace string) *webapp {
	t.Helper()
	w := &webapp{lab: l, namespace: namespace, name: "webapp"}
	namespaces := l.client.CoreV1().Namespaces()
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := namespaces.Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := namespaces.Delete(context.Background(), namespace, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	return w
}

// deploy runs a number of replicas, one on each node in turn, and waits until
// they answer. change, if any, is made to the Deployment before.
func (w *webapp) deploy(t *testing.T, replicas int32, change func(*appsv1.Deployment)) {
	t.Helper()
	labels := map[string]string{"app": "webapp"}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: w.name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      labels,
					Annotations: map[string]string{"bobwatch/window": learningWindow.String()},
				},
				Spec: corev1.PodSpec{
					Containers: []corev1.Container{{
						Name:  "web",
						Image: "localhost/webapp:1",
						ReadinessProbe: &corev1.Probe{
							ProbeHandler:  corev1.ProbeHandler{HTTPGet: httpGet("/", 80)},
							PeriodSeconds: 1,
						},
					}},
					TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
						MaxSkew: 1, TopologyKey: "kubernetes.io/hostname",
						WhenUnsatisfiable: corev1.DoNotSchedule,
						LabelSelector:     &metav1.LabelSelector{MatchLabels: labels},
						MatchLabelKeys:    []string{"pod-template-hash"}, // not those that are replaced
					}},
					TerminationGracePeriodSeconds: new(int64),
				},
			},
		},
	}
	if change != nil {
		change(d)
	}
	w.account(t)
	if _, err := w.client.AppsV1().Deployments(w.namespace).Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.rollout(t)
}

// account waits for the service account without which no pod is made.
func (w *webapp) account(t *testing.T) {
	t.Helper()
	eventually(t, "service account", func() error {
		_, err := w.client.CoreV1().ServiceAccounts(w.namespace).Get(t.Context(), "default", metav1.GetOptions{})
		return err
	})
}

// rollout waits until every replica is of the newest kind and answers.
func (w *webapp) rollout(t *testing.T) {
	t.Helper()
	w.kubectl(t, "rollout", "status", "deployment/"+w.name, "--timeout=60s")
}

// install puts a signed document into force in the namespace, for all nodes.
func (w *webapp) install(t *testing.T, signed string) {
	t.Helper()
	out, err := w.run(t.Context(), w.bobctl, "install", signed, "--key", filepath.Join(w.dir, vendorPub),
		"--namespace", w.namespace, "--name", document, "--yes")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(out)
}

// kubectl runs kubectl in the namespace, which has to go well.
func (w *webapp) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.Kubectl(t.Context(), append([]string{"--namespace", w.namespace}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// pods returns the replicas that are not about to end.
func (w *webapp) pods(t *testing.T) []corev1.Pod {
	t.Helper()
	list, err := w.client.CoreV1().Pods(w.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=webapp"})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
}

// load visits every replica as its clients do: two rounds differ in pages and
// addresses.
func (w *webapp) load(t *testing.T) {
	t.Helper()
	w.round++
	for _, p := range w.pods(t) {
		paths := []string{"/", "/ping.php?ip=localhost"}
		for i := range 10 {
			paths = append(paths,
				fmt.Sprintf("/pages/%d.html", (w.round*10+i)%80),
				fmt.Sprintf("/ping.php?ip=127.0.%d.%d", w.round%250, i+1))
		}
		for _, path := range paths {
			if _, err := visit(t.Context(), p, 80, path); err != nil {
				t.Fatalf("load %s: %v", p.Name, err)
			}
		}
	}
}

// loadFor loads the replicas for a while.
func (w *webapp) loadFor(t *testing.T, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		w.load(t)
	}
}

// inject has the ping page run a command.
func (w *webapp) inject(t *testing.T, p corev1.Pod, command string) {
	t.Helper()
	if _, err := visit(t.Context(), p, 80, "/ping.php?ip="+url.QueryEscape("127.0.0.1;"+command)); err != nil {
		t.Fatalf("inject %s: %v", command, err)
	}
}

// visit gets a page of a pod, over a connection of its own.
func visit(ctx context.Context, p corev1.Pod, port int, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s:%d%s", p.Status.PodIP, port, path), nil)
	if err != nil {
		return "", err
	}
	req.Close = true
	client := http.Client{Timeout: 20 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("get %s: %s", path, res.Status)
	}
	return string(body), err
}

// eventually tries something until it goes well, for a minute.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

func httpGet(path string, port int) *corev1.HTTPGetAction {
	return &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt(port)}
}
