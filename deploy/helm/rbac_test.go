package helm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientset "k8s.io/client-go/kubernetes"

	"bobwatch/internal/catalog"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/profile"
	"bobwatch/internal/workload"
	"bobwatch/test/cluster"
)

// patience is for what takes seconds on an idle machine.
const patience = time.Minute

// TestEveryRightIsUsed runs the agent's part that talks to the API server, as
// the service account with the chart's roles, and compares what it does with
// what it may do: nothing is denied, and nothing granted in vain.
func TestEveryRightIsUsed(t *testing.T) {
	plane := cluster.NewControlPlane(t)
	if _, err := helm(t, "install", chart, chart, "--create-namespace", "--namespace", chart, "--kubeconfig", plane.Kubeconfig); err != nil {
		t.Fatal(err)
	}
	admin := newClient(t, plane)
	role, err := admin.RbacV1().ClusterRoles().Get(t.Context(), chart, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	learned, err := admin.RbacV1().Roles(chart).Get(t.Context(), chart+"-learned", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	granted := slices.Compact(rights(append(role.Rules, learned.Rules...)))
	seen := &record{rights: map[string]bool{}}
	agent, err := kubernetes.Connect(kubernetes.Options{
		Kubeconfig: serviceAccountKubeconfig(t, plane, seen),
		Node:       "node1", Version: "test", Log: zap.NewNop(), LearnedNamespace: chart,
	})
	if err != nil {
		t.Fatal(err)
	}

	followPods(t, agent, admin)
	shareProfiles(t, agent)
	readDocuments(t, agent, admin)
	err = agent.UpdateEvent(t.Context(), alertEvent(1))
	if err := errors.Join(err, agent.UpdateEvent(t.Context(), alertEvent(2))); err != nil {
		t.Error(err)
	}

	used, denied := seen.sorted()
	if len(denied) > 0 {
		t.Errorf("denied: %q", denied)
	}
	if diff := cmp.Diff(granted, used); diff != "" {
		t.Errorf("rights (-granted +used):\n%s", diff)
	}
}

// followPods looks up a pod of every kind of owner that is asked about.
func followPods(t *testing.T, agent *kubernetes.Client, admin *clientset.Clientset) {
	pods := agent.Pods(func(string) {}, nil)
	background(t, pods.Run)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for want, owner := range owners(t, admin) {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				GenerateName: "pod-", Namespace: "default", OwnerReferences: []metav1.OwnerReference{owner},
			},
			Spec: corev1.PodSpec{NodeName: "node1", Containers: []corev1.Container{{Name: "c", Image: "localhost/none"}}},
		}
		pod, err := admin.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		found, err := pods.Lookup(ctx, kubernetes.PodID{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)})
		if got := found.Owner.Kind + " " + found.Owner.Name; err != nil || got != want {
			t.Errorf("the owner of %s is %s, %v; want %s", pod.Name, got, err, want)
		}
	}
}

// owners makes owners of pods and returns the direct ones by who is on top.
func owners(t *testing.T, admin *clientset.Clientset) map[string]metav1.OwnerReference {
	t.Helper()
	ctx, labels := t.Context(), map[string]string{"app": "web"}
	selector := &metav1.LabelSelector{MatchLabels: labels}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "localhost/none"}}},
	}
	once := template
	once.Spec.RestartPolicy = corev1.RestartPolicyNever
	meta := func(name string, owner ...metav1.OwnerReference) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: "default", OwnerReferences: owner}
	}
	refer := func(kind string, object metav1.Object, err error) metav1.OwnerReference {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		group := appsv1.SchemeGroupVersion
		if strings.HasSuffix(kind, "Job") {
			group = batchv1.SchemeGroupVersion
		}
		return *metav1.NewControllerRef(object, group.WithKind(kind))
	}
	apps, batch := admin.AppsV1(), admin.BatchV1()
	deployment, err := apps.Deployments("default").Create(ctx, &appsv1.Deployment{
		ObjectMeta: meta("web"), Spec: appsv1.DeploymentSpec{Selector: selector, Template: template},
	}, metav1.CreateOptions{})
	top := refer("Deployment", deployment, err)
	replicas, err := apps.ReplicaSets("default").Create(ctx, &appsv1.ReplicaSet{
		ObjectMeta: meta("web-1", top), Spec: appsv1.ReplicaSetSpec{Selector: selector, Template: template},
	}, metav1.CreateOptions{})
	direct := map[string]metav1.OwnerReference{"Deployment web": refer("ReplicaSet", replicas, err)}
	stateful, err := apps.StatefulSets("default").Create(ctx, &appsv1.StatefulSet{
		ObjectMeta: meta("db"), Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template},
	}, metav1.CreateOptions{})
	direct["StatefulSet db"] = refer("StatefulSet", stateful, err)
	daemon, err := apps.DaemonSets("default").Create(ctx, &appsv1.DaemonSet{
		ObjectMeta: meta("log"), Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template},
	}, metav1.CreateOptions{})
	direct["DaemonSet log"] = refer("DaemonSet", daemon, err)
	cron, err := batch.CronJobs("default").Create(ctx, &batchv1.CronJob{
		ObjectMeta: meta("nightly"),
		Spec:       batchv1.CronJobSpec{Schedule: "0 3 * * *", JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: once}}},
	}, metav1.CreateOptions{})
	top = refer("CronJob", cron, err)
	job, err := batch.Jobs("default").Create(ctx, &batchv1.Job{
		ObjectMeta: meta("nightly-1", top), Spec: batchv1.JobSpec{Template: once},
	}, metav1.CreateOptions{})
	direct["CronJob nightly"] = refer("Job", job, err)
	return direct
}

// shareProfiles writes a learned profile, adds to it, and loads it.
func shareProfiles(t *testing.T, agent *kubernetes.Client) {
	merged := make(chan kubernetes.Record, 10)
	learned := agent.Learned(func(_ workload.Key, r kubernetes.Record) { merged <- r })
	background(t, learned.Run)
	key := workload.Key{Namespace: "default", OwnerKind: "Deployment", OwnerName: "web", Container: "c", ImageDigest: "sha256:1"}
	for i := range 2 {
		learned.Put(kubernetes.Subject{Key: key}, kubernetes.Record{
			Window: 10 * time.Second, Observed: time.Second, Replicas: 1, LastNew: time.Now(),
			Profile: profile.Normalise(&profile.Profile{
				APIVersion: profile.APIVersion, Kind: profile.Kind,
				Metadata: profile.Metadata{Name: key.OwnerName},
				Spec: profile.Spec{
					Workload:   profile.Workload{Namespace: key.Namespace, Kind: key.OwnerKind, Name: key.OwnerName},
					Containers: []profile.Container{{Name: "c", Opens: []profile.Open{{Path: fmt.Sprint("/srv/", i), Flags: []string{"O_RDONLY"}}}}},
					Provenance: profile.Provenance{Completeness: profile.Learning, From: "start"},
				},
			}),
		})
		select {
		case <-merged:
		case <-time.After(patience):
			t.Fatal("the learned profile is not written")
		}
	}
	next := key
	next.ImageDigest = "sha256:2"
	if _, _, err := learned.Load(t.Context(), next); err != nil {
		t.Error(err)
	}
}

// readDocuments waits for a document that is refused, and for the Event.
func readDocuments(t *testing.T, agent *kubernetes.Client, admin *clientset.Clientset) {
	background(t, agent.Events().Run)
	published := make(chan string, 10)
	background(t, func(ctx context.Context) error {
		return agent.WatchDocuments(ctx, nil, func(source string, _ []catalog.Document) { published <- source }, func(string) {})
	})
	_, err := admin.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "bob", Labels: map[string]string{catalog.Label: catalog.LabelValue}},
		Data:       map[string]string{"bob.yaml": "nonsense"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var source string
	select {
	case source = <-published:
	case <-time.After(patience):
		t.Fatal("the document is not published")
	}
	agent.Events().Refused(catalog.Refusal{Source: source, Name: "bob", Err: errors.New("nonsense")})
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		events, err := admin.CoreV1().Events("default").List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.kind=ConfigMap"})
		if err == nil && len(events.Items) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no Event on the ConfigMap: %v", err)
		}
	}
}

func alertEvent(count uint64) *kubernetes.Event {
	return &kubernetes.Event{
		APIVersion: "v1", Kind: "Pod", Namespace: "default", Name: "web",
		Reason: "Alert", Message: "an alert", Key: "alert", Count: count, First: time.Now(), Last: time.Now(),
	}
}

// rights lists what rules grant.
func rights(rules []rbacv1.PolicyRule) []string {
	var all []string
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			if group != "" {
				group = "." + group
			}
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					all = append(all, verb+" "+resource+group)
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// background runs f until the test ends.
func background(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
