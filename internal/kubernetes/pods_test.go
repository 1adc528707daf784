package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

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
		"owner of an endless name": {
			&metav1.OwnerReference{APIVersion: "a/v1", Kind: "A", Name: strings.Repeat("x", 254), UID: "6", Controller: rollout.Controller},
			workload.Owner{},
			"none",
		},
		"owner is a path": {
			&metav1.OwnerReference{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "../../secrets", UID: "5", Controller: rollout.Controller},
			workload.Owner{},
			"none",
		},
	}
	pods := w.client(t, "node1").Pods(nil, nil)
	background(t, pods.Run)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			podName := "pod-" + strings.ReplaceAll(name, " ", "-")
			pod := w.pod(t, namespace, "node1", podName, tt.owner, nil)
			got, err := pods.Lookup(t.Context(), idOf(pod))
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

func TestPods(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]func(*testing.T, *world){
		"containers":        testContainersOfPods,
		"settings":          testSettingsOfPods,
		"changes":           testChangesOfPods,
		"other nodes":       testPodsOfOtherNodes,
		"owner is asked of": testOwnerIsAskedOnce,
	} {
		t.Run(name, func(t *testing.T) { test(t, w) })
	}
}

func testContainersOfPods(t *testing.T, w *world) {
	namespace := w.namespace(t)
	always := corev1.ContainerRestartPolicyAlways
	pod := w.pod(t, namespace, "node1", "web", nil, func(p *corev1.Pod) {
		p.Spec.InitContainers = []corev1.Container{
			{Name: "migrate", Image: "web:1"},
			{Name: "proxy", Image: "proxy:1", RestartPolicy: &always},
		}
	})
	changed := make(chan string, 10)
	pods := w.client(t, "node1").Pods(func(uid string) { changed <- uid }, nil)
	background(t, pods.Run)
	lookup := func() map[string]string {
		t.Helper()
		return get[Pod](t)(pods.Lookup(t.Context(), idOf(pod))).Containers
	}
	want := map[string]string{"web": workload.TypeRegular, "migrate": workload.TypeInit, "proxy": workload.TypeInit}
	if diff := cmp.Diff(want, lookup()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{
		{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: "busybox", TerminationMessagePolicy: corev1.TerminationMessageReadFile}},
	}
	get[*corev1.Pod](t)(w.CoreV1().Pods(namespace).UpdateEphemeralContainers(t.Context(), pod.Name, pod, metav1.UpdateOptions{}))
	if uid := <-changed; uid != string(pod.UID) {
		t.Errorf("changed(%q), want %q", uid, pod.UID)
	}
	want["debug"] = workload.TypeEphemeral
	if diff := cmp.Diff(want, lookup()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func testSettingsOfPods(t *testing.T, w *world) {
	namespace := w.namespace(t)
	deployment := w.deployment(t, namespace, "web", map[string]string{
		settingMode: "guard", settingWindow: "1h", settingDocument: "web-bob",
	})
	set := w.replicaSet(t, namespace, "web-1", deployment)
	client := w.client(t, "node1")
	pods := client.Pods(nil, nil)
	background(t, pods.Run)
	background(t, client.Events().Run)

	tests := map[string]struct {
		annotations, labels map[string]string
		want                Settings
		told                string // by an Event on the pod
	}{
		"owner's": {want: Settings{Mode: ModeGuard, Window: time.Hour, Document: "web-bob"}},
		"label":   {labels: map[string]string{settingMode: "learn"}, want: Settings{Mode: ModeLearn, Window: time.Hour, Document: "web-bob"}},
		"annotation before label": {
			annotations: map[string]string{settingMode: "off", settingWindow: "90s"},
			labels:      map[string]string{settingMode: "learn"},
			want:        Settings{Mode: ModeOff, Window: 90 * time.Second, Document: "web-bob"},
		},
		"invalid": {
			annotations: map[string]string{settingMode: "watch\x1b[31m"},
			labels:      map[string]string{settingMode: "learn"},
			want:        Settings{Mode: ModeLearn, Window: time.Hour, Document: "web-bob"},
			told:        `bobwatch/mode: "watch\x1b[31m" is none of learn, guard, off`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pod := w.pod(t, namespace, "node1", "pod-"+strings.NewReplacer(" ", "-", "'", "").Replace(name), set, func(p *corev1.Pod) {
				p.Annotations = tt.annotations
				maps.Copy(p.Labels, tt.labels)
			})
			got := get[Pod](t)(pods.Lookup(t.Context(), idOf(pod)))
			if diff := cmp.Diff(tt.want, got.Settings); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if tt.told != "" {
				get[Pod](t)(pods.Lookup(t.Context(), idOf(pod))) // told once only
				eventually(t, "it is told", func() bool {
					events := w.eventsOf(t, namespace, "Pod", pod.Name, string(pod.UID))
					return len(events) == 1 && strings.Contains(events[0].Message, tt.told)
				})
			}
		})
	}
}

// eventsOf returns what kubectl describe shows of an object.
func (w *world) eventsOf(t testing.TB, namespace, kind, name, uid string) []corev1.Event {
	t.Helper()
	client := w.CoreV1().Events(namespace)
	selector := client.GetFieldSelector(&name, &namespace, &kind, &uid)
	return get[*corev1.EventList](t)(client.List(t.Context(), metav1.ListOptions{FieldSelector: selector.String()})).Items
}

func testChangesOfPods(t *testing.T, w *world) {
	namespace := w.namespace(t)
	changed := make(chan string, 100)
	client := w.client(t, "node1")
	pods := client.Pods(func(uid string) { changed <- uid }, nil)
	background(t, pods.Run)
	pod := w.pod(t, namespace, "node1", "web", nil, nil)
	get[Pod](t)(pods.Lookup(t.Context(), idOf(pod)))

	for _, change := range []string{
		`{"metadata":{"annotations":{"other":"x"}}}`, // which is not of interest
		`{"metadata":{"labels":{"tier":"front"}}}`,
		`{"metadata":{"annotations":{"bobwatch/mode":"off"}}}`,
	} {
		get[*corev1.Pod](t)(w.CoreV1().Pods(namespace).Patch(t.Context(), pod.Name, types.MergePatchType, []byte(change), metav1.PatchOptions{}))
	}
	eventually(t, "the settings are in force", func() bool {
		return get[Pod](t)(pods.Lookup(t.Context(), idOf(pod))).Settings.Mode == ModeOff
	})
	if err := w.CoreV1().Pods(namespace).Delete(t.Context(), pod.Name, *metav1.NewDeleteOptions(0)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is forgotten", func() bool {
		pods.mu.Lock()
		defer pods.mu.Unlock()
		return pods.pods[idOf(pod)] == nil
	})
	if got := len(changed); got != 2 {
		t.Errorf("%d changes, want 2: of the label and of the setting", got)
	}
}

func testPodsOfOtherNodes(t *testing.T, w *world) {
	namespace := w.namespace(t)
	pod := w.pod(t, namespace, "node2", "web", nil, nil)
	pods := w.client(t, "node1").Pods(nil, nil)
	background(t, pods.Run)
	mine := w.pod(t, namespace, "node1", "late", nil, nil)
	get[Pod](t)(pods.Lookup(t.Context(), idOf(mine)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pods.Lookup(ctx, idOf(pod)); !errors.Is(err, context.Canceled) {
		t.Errorf("Lookup of another node's pod: %v, want %v", err, context.Canceled)
	}
}

func testOwnerIsAskedOnce(t *testing.T, w *world) {
	namespace := w.namespace(t)
	set := w.replicaSet(t, namespace, "web-1", w.deployment(t, namespace, "web", nil))
	client := w.client(t, "node1")
	pods := client.Pods(nil, nil)
	background(t, pods.Run)
	alone := w.pod(t, namespace, "node1", "alone", nil, nil)
	get[Pod](t)(pods.Lookup(t.Context(), idOf(alone)))
	before := testutil.ToFloat64(client.metrics.requests[2])
	var all sync.WaitGroup
	for i := range 20 {
		pod := w.pod(t, namespace, "node1", fmt.Sprintf("web-%d", i), set, nil)
		all.Go(func() { get[Pod](t)(pods.Lookup(t.Context(), idOf(pod))) })
	}
	all.Wait()
	// A question that the API server does not answer in time is asked again.
	if got := testutil.ToFloat64(client.metrics.requests[2]) - before; got < 2 || got > 5 {
		t.Errorf("%v requests, want 2: of the ReplicaSet and of the Deployment", got)
	}
}

// TestLikenessOfAnotherPod has somebody with rights in one namespace pass off a
// pod as that of another: its settings are not the other's.
func TestLikenessOfAnotherPod(t *testing.T) {
	victim := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "1"}}
	likeness := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "evil", Name: "web", UID: "2", Annotations: map[string]string{
		corev1.MirrorPodAnnotationKey: "1", settingMode: "off",
	}}}
	pods := (&Client{metrics: newMetrics(nil)}).Pods(nil, nil)
	store := podStore{pods}
	expect := func(when string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := pods.Lookup(ctx, idOf(victim)); err != nil || got.Namespace != "shop" || got.Settings.Mode != "" {
			t.Errorf("%s: Lookup = %+v, %v", when, got, err)
		}
	}
	for _, pod := range []*corev1.Pod{victim, likeness} {
		if err := store.Add(pod); err != nil {
			t.Fatal(err)
		}
	}
	expect("the likeness is there")
	if err := store.Delete(likeness); err != nil {
		t.Fatal(err)
	}
	expect("the likeness is gone")
}

func TestPodsSurviveAnOutage(t *testing.T) {
	w := newWorld(t)
	namespace := w.namespace(t)
	before := w.pod(t, namespace, "node1", "before", nil, nil)
	if err := w.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	pods := w.client(t, "node1").Pods(nil, nil) // which starts without an API server
	background(t, pods.Run)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := pods.Lookup(ctx, idOf(before)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lookup without an API server: %v, want %v", err, context.DeadlineExceeded)
	}
	for _, name := range []string{"first", "second"} {
		if err := w.StartAPIServer(t.Context()); err != nil {
			t.Fatal(err)
		}
		pod := w.pod(t, namespace, "node1", name, nil, nil)
		get[Pod](t)(pods.Lookup(t.Context(), idOf(pod)))
		get[Pod](t)(pods.Lookup(t.Context(), idOf(before)))
		if err := w.StopAPIServer(); err != nil {
			t.Fatal(err)
		}
		get[Pod](t)(pods.Lookup(t.Context(), idOf(before)))
	}
}

func TestSettings(t *testing.T) {
	tests := map[string]struct {
		text  map[string]string
		want  Settings
		wrong int
	}{
		"nothing":         {nil, Settings{}, 0},
		"all":             {map[string]string{settingMode: "guard", settingWindow: "24h", settingDocument: "a b"}, Settings{ModeGuard, 24 * time.Hour, "a b"}, 0},
		"mode":            {map[string]string{settingMode: "Guard"}, Settings{}, 1},
		"empty mode":      {map[string]string{settingMode: ""}, Settings{}, 1},
		"no duration":     {map[string]string{settingWindow: "1"}, Settings{}, 1},
		"negative window": {map[string]string{settingWindow: "-1h"}, Settings{}, 1},
		"no name":         {map[string]string{settingDocument: ""}, Settings{}, 1},
		"long":            {map[string]string{settingDocument: strings.Repeat("x", 254)}, Settings{}, 1},
		"all wrong":       {map[string]string{settingMode: "x", settingWindow: "x", settingDocument: ""}, Settings{}, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, wrong := parseSettings(nil, tt.text)
			if got != tt.want || len(wrong) != tt.wrong {
				t.Errorf("parseSettings(%v) = %v, %v; want %v, %d errors", tt.text, got, wrong, tt.want, tt.wrong)
			}
		})
	}
}
