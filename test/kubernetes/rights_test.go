package kubernetes

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// owners are a workload of each kind that a pod's owner is looked up through.
const owners = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: daemon}
spec:
  selector: {matchLabels: {app: daemon}}
  template:
    metadata: {labels: {app: daemon}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: idle, image: "localhost/pause:1"}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: stateful}
spec:
  serviceName: stateful
  selector: {matchLabels: {app: stateful}}
  template:
    metadata: {labels: {app: stateful}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: idle, image: "localhost/pause:1"}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: cron}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: cron}}
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: 0
          containers: [{name: idle, image: "localhost/pause:1"}]
`

// TestRights does what takes rights, and wants each right of the agent's role
// used and nothing refused: no right is missing, and none is for nothing.
func TestRights(t *testing.T) {
	l := newLab(t)
	w := l.newWebapp(t, "rights")
	signed := l.vendorDocument(t)
	w.install(t, signed)
	w.account(t)
	if _, err := l.KubectlInput(t.Context(), owners, "--namespace", w.namespace, "apply", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	w.kubectl(t, "create", "job", "now", "--from=cronjob/cron")
	w.deploy(t, 1, withoutWindow)
	p := w.pods(t)[0]
	eventually(t, "repeated alert as an Event", func() error {
		w.inject(t, p, "nl /etc/passwd") // again and again: one incident, told anew
		time.Sleep(5 * time.Second)
		events, err := l.client.CoreV1().Events(w.namespace).List(t.Context(), metav1.ListOptions{
			FieldSelector: "involvedObject.kind=Pod,involvedObject.name=" + p.Name,
		})
		if err != nil {
			return err
		}
		for _, e := range events.Items {
			if strings.Contains(e.Message, "/usr/bin/nl") && e.Count > 1 {
				return nil
			}
		}
		return fmt.Errorf("none of %d says so", len(events.Items))
	})
	eventually(t, "use of every right", func() error { return l.unusedRights(t) })
}

// unusedRights returns an error that names the rights of the agent's role that
// the API server has not seen used.
func (l *lab) unusedRights(t *testing.T) error {
	t.Helper()
	role, err := l.client.RbacV1().ClusterRoles().Get(t.Context(), release, metav1.GetOptions{})
	if err != nil {
		return err
	}
	learned, err := l.client.RbacV1().Roles(release).Get(t.Context(), release+"-learned", metav1.GetOptions{})
	if err != nil {
		return err
	}
	used := l.usedRights(t)
	var unused []string
	for _, rule := range append(role.Rules, learned.Rules...) {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					if r := (right{group, resource, verb}); !used[r] {
						unused = append(unused, r.String())
					}
				}
			}
		}
	}
	if len(unused) > 0 {
		return fmt.Errorf("not used: %s", strings.Join(unused, ", "))
	}
	return nil
}

// right is what a role grants.
type right struct{ group, resource, verb string }

func (r right) String() string { return fmt.Sprintf("%s %s/%s", r.verb, r.group, r.resource) }

// usedRights returns the rights that the agents have made use of since the
// cluster came up. The test fails if they were refused anything.
func (l *lab) usedRights(t *testing.T) map[right]bool {
	t.Helper()
	f, err := os.Open(l.LogFile("audit"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	used := map[right]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e struct {
			Verb      string
			User      struct{ Username string }
			ObjectRef *struct{ APIGroup, Resource, Namespace, Name string }
			Response  struct{ Code int } `json:"responseStatus"`
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // the server is in the middle of it
		}
		if e.ObjectRef == nil || e.User.Username != "system:serviceaccount:"+release+":"+release {
			continue
		}
		o := e.ObjectRef
		if e.Response.Code == 403 && !l.gone(t, o.Namespace) {
			t.Errorf("the agent may not %s %s %s/%s", e.Verb, o.Resource, o.Namespace, o.Name)
		}
		used[right{o.APIGroup, o.Resource, e.Verb}] = used[right{o.APIGroup, o.Resource, e.Verb}] || e.Response.Code < 400
	}
	return used
}

// gone reports whether a namespace is ending or has ended: nothing can be
// written there.
func (l *lab) gone(t *testing.T, namespace string) bool {
	t.Helper()
	n, err := l.client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	return err != nil || n.DeletionTimestamp != nil
}
