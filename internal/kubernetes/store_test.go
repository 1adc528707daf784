package kubernetes

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"bobwatch/internal/catalog"
	"bobwatch/internal/profile"
)

// After an outage that was too long for a watch to go on, everything is listed
// anew: what is not in the list is gone.

func TestDocumentsAreListedAnew(t *testing.T) {
	var calls []string
	s := &mapStore{
		published: &publishedMaps{}, versions: map[string]string{},
		publish:  func(source string, _ []catalog.Document) { calls = append(calls, "publish "+source) },
		withdraw: func(source string) { calls = append(calls, "withdraw "+source) },
	}
	m := func(name, version string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, ResourceVersion: version}}
	}
	for _, list := range [][]any{{m("a", "1"), m("b", "1"), m("c", "1")}, {m("a", "1"), m("b", "2")}} {
		if err := s.Replace(list, ""); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"publish configmap shop/a", "publish configmap shop/b", "publish configmap shop/c",
		"publish configmap shop/b", "withdraw configmap shop/c",
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if _, ok := s.published.get("configmap shop/c"); ok {
		t.Error("the map that is gone is remembered")
	}
}

func TestPodsAreListedAnew(t *testing.T) {
	var changed []string
	c := &Client{metrics: newMetrics(nil), core: &rest.RESTClient{}}
	pods := c.Pods(func(uid string) { changed = append(changed, uid) }, nil)
	pod := func(name, label string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: "of the API server", Labels: map[string]string{"app": label},
			Annotations: map[string]string{corev1.MirrorPodAnnotationKey: name, "other": "x"},
		}}
	}
	for _, list := range [][]any{{pod("a", "1"), pod("b", "1"), pod("c", "1")}, {pod("a", "1"), pod("b", "2")}} {
		if err := (podStore{pods}).Replace(list, ""); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"b"}, changed); diff != "" {
		t.Errorf("changed: -want +got\n%s", diff)
	}
	if pods.pods[idOf(pod("a", ""))] == nil || pods.pods[idOf(pod("c", ""))] != nil {
		t.Errorf("pods %v, want a and b", pods.pods)
	}
}

func TestLabelsAreBounded(t *testing.T) {
	labels := map[string]string{settingMode: "off"}
	for i := range 1000 {
		labels[string(rune('A'+i%26))+string(rune('a'+i/26))] = "x"
	}
	got := newPodRecord(trimPod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: labels}}))
	if len(got.Labels) != maxPodLabels || got.Labels[settingMode] != "off" {
		t.Errorf("%d labels, mode %q; want %d with the setting", len(got.Labels), got.Labels[settingMode], maxPodLabels)
	}
}

func TestAdvances(t *testing.T) {
	key := webKey("shop", "sha256:1")
	tests := map[string]struct {
		change func(*Record)
		want   bool
	}{
		"nothing":         {func(*Record) {}, false},
		"a fact":          {func(r *Record) { r.Profile = learnedProfile(key, "/a", "/b") }, true},
		"guarded":         {func(r *Record) { r.Guarded = true }, true},
		"partial":         {func(r *Record) { r.Profile.Spec.Provenance.Completeness = profile.Partial }, true},
		"replicas":        {func(r *Record) { r.Replicas++ }, true},
		"a little time":   {func(r *Record) { r.Observed += testWindow / 20 }, false},
		"a tenth of time": {func(r *Record) { r.Observed += testWindow / 10 }, true},
		"when":            {func(r *Record) { r.LastNew = r.LastNew.Add(time.Hour) }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			have, joined := learning(key, "/a"), learning(key, "/a")
			tt.change(&joined)
			if got := have.advances(&joined); got != tt.want {
				t.Errorf("advances = %t, want %t", got, tt.want)
			}
		})
	}
}
