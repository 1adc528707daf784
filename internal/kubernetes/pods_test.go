package kubernetes

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"bobwatch/internal/workload"
)

var podTemplate = corev1.PodTemplateSpec{
	ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
	Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyAlways,
		Containers:    []corev1.Container{{Name: "web", Image: "web:1"}},
	},
}

var jobTemplate = func() corev1.PodTemplateSpec {
	template := *podTemplate.DeepCopy()
	template.Spec.RestartPolicy = corev1.RestartPolicyNever
	return template
}()

// pod makes a pod on the node, of the owner unless that is nil.
func (w *world) pod(t *testing.T, namespace, node, name string, owner *metav1.OwnerReference, change func(*corev1.Pod)) *corev1.Pod {
	t.Helper()
	template := podTemplate.DeepCopy()
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Name, pod.Spec.NodeName = name, node
	if owner != nil {
		pod.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	if change != nil {
		change(pod)
	}
	return get[*corev1.Pod](t)(w.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}))
}

// by refers to an object as the controller of another.
func by(apiVersion, kind string, o metav1.Object) *metav1.OwnerReference {
	yes := true
	return &metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: o.GetName(), UID: o.GetUID(), Controller: &yes}
}

func meta(name string, owner *metav1.OwnerReference) metav1.ObjectMeta {
	m := metav1.ObjectMeta{Name: name}
	if owner != nil {
		m.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	return m
}

func (w *world) replicaSet(t *testing.T, namespace, name string, owner *metav1.OwnerReference) *metav1.OwnerReference {
	t.Helper()
	set := &appsv1.ReplicaSet{ObjectMeta: meta(name, owner), Spec: appsv1.ReplicaSetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: podTemplate.Labels}, Template: podTemplate,
	}}
	return by("apps/v1", "ReplicaSet", get[*appsv1.ReplicaSet](t)(
		w.AppsV1().ReplicaSets(namespace).Create(t.Context(), set, metav1.CreateOptions{})))
}

func (w *world) deployment(t *testing.T, namespace, name string, annotations map[string]string) *metav1.OwnerReference {
	t.Helper()
	d := &appsv1.Deployment{ObjectMeta: meta(name, nil), Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: podTemplate.Labels}, Template: podTemplate,
	}}
	d.Annotations = annotations
	return by("apps/v1", "Deployment", get[*appsv1.Deployment](t)(
		w.AppsV1().Deployments(namespace).Create(t.Context(), d, metav1.CreateOptions{})))
}

func (w *world) job(t *testing.T, namespace, name string, owner *metav1.OwnerReference) *metav1.OwnerReference {
	t.Helper()
	job := &batchv1.Job{ObjectMeta: meta(name, owner), Spec: batchv1.JobSpec{Template: jobTemplate}}
	return by("batch/v1", "Job", get[*batchv1.Job](t)(
		w.BatchV1().Jobs(namespace).Create(t.Context(), job, metav1.CreateOptions{})))
}

func TestLookupFindsTheTopOwner(t *testing.T) {
	w := newWorld(t)
	namespace := w.namespace(t)
	ctx := t.Context()
	selector := &metav1.LabelSelector{MatchLabels: podTemplate.Labels}
	rollout := &metav1.OwnerReference{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Name: "canary", UID: "1-2-3", Controller: new(bool)}
	*rollout.Controller = true

	stateful := get[*appsv1.StatefulSet](t)(w.AppsV1().StatefulSets(namespace).Create(ctx, &appsv1.StatefulSet{
		ObjectMeta: meta("db", nil), Spec: appsv1.StatefulSetSpec{Selector: selector, Template: podTemplate},
	}, metav1.CreateOptions{}))
	daemon := get[*appsv1.DaemonSet](t)(w.AppsV1().DaemonSets(namespace).Create(ctx, &appsv1.DaemonSet{
		ObjectMeta: meta("log", nil), Spec: appsv1.DaemonSetSpec{Selector: selector, Template: podTemplate},
	}, metav1.CreateOptions{}))
	cron := get[*batchv1.CronJob](t)(w.BatchV1().CronJobs(namespace).Create(ctx, &batchv1.CronJob{
		ObjectMeta: meta("backup", nil), Spec: batchv1.CronJobSpec{
			Schedule: "@daily", JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: jobTemplate}},
		},
	}, metav1.CreateOptions{}))
	deployment := w.deployment(t, namespace, "web", nil)
	gone := w.replicaSet(t, namespace, "gone-1", nil)
	if err := w.AppsV1().ReplicaSets(namespace).Delete(ctx, gone.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	again := w.replicaSet(t, namespace, "again-1", nil)
	again.UID = "of another time"

	tests := map[string]struct {
		owner *metav1.OwnerReference
		want  workload.Owner
		uid   types.UID // empty for the pod's own
	}{
		"bare pod":               {nil, workload.Owner{Kind: "Pod", Name: "pod-bare-pod"}, ""},
		"static pod":             {by("v1", "Node", &metav1.ObjectMeta{Name: "node1", UID: "4"}), workload.Owner{Kind: "Pod", Name: "pod-static-pod"}, ""},
		"deployment":             {w.replicaSet(t, namespace, "web-5d8", deployment), workload.Owner{Kind: "Deployment", Name: "web"}, deployment.UID},
		"replica set":            {w.replicaSet(t, namespace, "alone", nil), workload.Owner{Kind: "ReplicaSet", Name: "alone"}, "?"},
		"replica set of another": {w.replicaSet(t, namespace, "canary-6f", rollout), workload.Owner{Kind: "Rollout", Name: "canary"}, rollout.UID},
		"custom owner":           {rollout, workload.Owner{Kind: "Rollout", Name: "canary"}, rollout.UID},
		"stateful set":           {by("apps/v1", "StatefulSet", stateful), workload.Owner{Kind: "StatefulSet", Name: "db"}, stateful.UID},
		"daemon set":             {by("apps/v1", "DaemonSet", daemon), workload.Owner{Kind: "DaemonSet", Name: "log"}, daemon.UID},
		"job":                    {w.job(t, namespace, "once", nil), workload.Owner{Kind: "Job", Name: "once"}, "?"},
		"cron job":               {w.job(t, namespace, "backup-29384756", by("batch/v1", "CronJob", cron)), workload.Owner{Kind: "CronJob", Name: "backup"}, cron.UID},
		"replica set is gone":    {gone, workload.Owner{}, "none"},
		"replica set was remade": {again, workload.Owner{}, "none"},
		"owner is a path": {
			&metav1.OwnerReference{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "../../secrets", UID: "5", Controller: rollout.Controller},
			workload.Owner{},
			"none",
		},
	}
	pods := w.client(t, "node1").Pods(nil)
	background(t, pods.Run)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			podName := "pod-" + strings.ReplaceAll(name, " ", "-")
			pod := w.pod(t, namespace, "node1", podName, tt.owner, nil)
			got, err := pods.Lookup(t.Context(), string(pod.UID))
			if err != nil {
				t.Fatal(err)
			}
			if got.Owner != tt.want {
				t.Errorf("owner %v, want %v", got.Owner, tt.want)
			}
			wantUID := string(tt.uid)
			switch tt.uid {
			case "":
				wantUID = string(pod.UID)
			case "?":
				wantUID = string(tt.owner.UID)
			case "none":
				wantUID = ""
			}
			if got.OwnerUID != wantUID {
				t.Errorf("owner's UID %q, want %q", got.OwnerUID, wantUID)
			}
			if got.Namespace != namespace || got.Name != podName || got.Labels["app"] != "web" {
				t.Errorf("pod %+v", got)
			}
		})
	}
}
