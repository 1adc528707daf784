package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/profile"
	"bobwatch/internal/workload"
)

// testWindow makes what is spread over time quick.
const testWindow = 10 * time.Second

func webKey(namespace, image string) workload.Key {
	return workload.Key{Namespace: namespace, OwnerKind: "Deployment", OwnerName: "web", Container: "php", ImageDigest: image}
}

// learnedProfile is one in which the container opens the paths.
func learnedProfile(key workload.Key, paths ...string) *profile.Profile {
	c := profile.Container{Name: key.Container, Syscalls: map[string][]string{"amd64": {"read"}}}
	for _, path := range paths {
		c.Opens = append(c.Opens, profile.Open{Path: path, Flags: []string{"O_RDONLY"}})
	}
	return profile.Normalise(&profile.Profile{
		APIVersion: profile.APIVersion, Kind: profile.Kind,
		Metadata: profile.Metadata{Name: key.OwnerName},
		Spec: profile.Spec{
			Workload:   profile.Workload{Namespace: key.Namespace, Kind: key.OwnerKind, Name: key.OwnerName},
			Containers: []profile.Container{c},
			Provenance: profile.Provenance{Completeness: profile.Learning, From: "start"},
		},
	})
}

func learning(key workload.Key, paths ...string) Record {
	return Record{Profile: learnedProfile(key, paths...), Window: testWindow, Observed: time.Second, Replicas: 1, LastNew: time.Now()}
}

func guarded(key workload.Key, paths ...string) Record {
	r := learning(key, paths...)
	r.Guarded, r.Observed = true, testWindow
	r.Profile.Spec.Provenance.Completeness = profile.Complete
	return r
}

// node is one agent's part in sharing.
type node struct {
	*Learned
	client *Client
	mu     sync.Mutex
	known  map[workload.Key]Record
}

func (w *world) learner(t testing.TB) *node {
	t.Helper()
	n := &node{client: w.client(t, "node1"), known: map[workload.Key]Record{}}
	n.Learned = n.client.Learned(func(key workload.Key, r Record) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.known[key] = r
	})
	background(t, n.Run)
	return n
}

func (n *node) knows(key workload.Key) (Record, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r, ok := n.known[key]
	return r, ok
}

func (n *node) writes() int { return int(testutil.ToFloat64(n.client.metrics.learned.writes)) }

func (w *world) learnedMap(t testing.TB, key workload.Key) *corev1.ConfigMap {
	t.Helper()
	return get[*corev1.ConfigMap](t)(w.CoreV1().ConfigMaps(agents).Get(t.Context(), LearnedName(key), metav1.GetOptions{}))
}

// allows reports whether the cluster has a record that allows all of it.
func (w *world) allows(t testing.TB, key workload.Key, want *profile.Profile) bool {
	t.Helper()
	m, err := w.CoreV1().ConfigMaps(agents).Get(t.Context(), LearnedName(key), metav1.GetOptions{})
	if err != nil {
		return false
	}
	r, err := decode(m, &key)
	if err != nil {
		t.Fatal(err)
	}
	return len(profile.Covers(r.Profile, want)) == 0
}

// TestSharing shares one control plane.
func TestSharing(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]func(*testing.T, *world){
		"stored for people":     testLearnedIsStoredForPeople,
		"forged profile":        testForgedProfile,
		"widened profile":       testWidenedProfile,
		"learners converge":     testLearnersConverge,
		"nothing new":           testNothingNewIsNotWritten,
		"load":                  testLoad,
		"lost map":              testRecordOfALostMapIsWrittenAgain,
		"owner made again":      testOwnerThatWasMadeAgain,
		"size":                  testSizeOfLearned,
		"hostile map":           testHostileLearnedMap,
		"right that is missing": testMissingRightIsNoOutage,
	} {
		t.Run(name, func(t *testing.T) { test(t, w) })
	}
}

func testLearnedIsStoredForPeople(t *testing.T, w *world) {
	key := webKey(w.namespace(t), "sha256:1")
	owner := w.deployment(t, key.Namespace, "web", nil)
	n := w.learner(t)
	r := guarded(key, "/srv/a")
	r.Replicas, r.Predecessor, r.Reason = 3, "bob-before", "a\nreason"
	n.Put(Subject{Key: key, OwnerUID: string(owner.UID), OwnerAPIVersion: owner.APIVersion, Image: "registry.example/web:1"}, r)
	eventually(t, "the record is merged", func() bool { _, ok := n.knows(key); return ok })

	m := w.learnedMap(t, key)
	for name, want := range map[string]string{
		AnnotationState: "guarded", AnnotationObserved: "10s", AnnotationWindow: "10s", AnnotationReplicas: "3",
		AnnotationNewFacts: "0", AnnotationCompleteness: "complete", AnnotationImage: "registry.example/web:1",
		AnnotationPredecessor: "bob-before", AnnotationReason: "a·reason", AnnotationLastNew: r.LastNew.UTC().Format(time.RFC3339),
	} {
		if got := m.Annotations[name]; got != want {
			t.Errorf("annotation %s: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		LabelLearned: "true", LabelNamespace: key.Namespace, LabelKind: "Deployment", LabelName: "web", LabelContainer: "php",
	} {
		if got := m.Labels[name]; got != want {
			t.Errorf("label %s: %q, want %q", name, got, want)
		}
	}
	if got := m.Annotations[AnnotationOwner]; got != string(owner.UID) || len(m.OwnerReferences) > 0 {
		t.Errorf("owner %q, references %v; want %s and none, for the owner is in another namespace", got, m.OwnerReferences, owner.UID)
	}
	if got, _ := n.knows(key); got.Name != m.Name || !got.Guarded {
		t.Errorf("merged %+v", got)
	}
}

func testLearnersConverge(t *testing.T, w *world) {
	key := webKey(w.namespace(t), "sha256:1")
	const nodes, rounds = 4, 5
	var all []string
	learners := make([]*node, nodes)
	for i := range learners {
		learners[i] = w.learner(t)
	}
	for round := range rounds {
		for i, n := range learners {
			path := fmt.Sprintf("/srv/%d/%d", i, round)
			all = append(all, path)
			n.Put(Subject{Key: key}, learning(key, path))
		}
		// What is put while another is being written must not be lost either.
		eventually(t, "all is in the cluster", func() bool { return w.allows(t, key, learnedProfile(key, all...)) })
	}
	last := guarded(key, all...)
	learners[0].Put(Subject{Key: key}, last)
	for i, n := range learners {
		eventually(t, fmt.Sprintf("node %d knows what the others do", i), func() bool {
			r, ok := n.knows(key)
			return ok && r.Guarded && len(profile.Covers(r.Profile, last.Profile)) == 0
		})
	}
	if m := w.learnedMap(t, key); m.Annotations[AnnotationCompleteness] != "complete" {
		t.Errorf("annotations %v: want what the guarding node says", m.Annotations)
	}
}

func testNothingNewIsNotWritten(t *testing.T, w *world) {
	key := webKey(w.namespace(t), "sha256:1")
	first, second := w.learner(t), w.learner(t)
	first.Put(Subject{Key: key}, guarded(key, "/srv/a", "/srv/b"))
	eventually(t, "the first is settled", func() bool { _, ok := first.knows(key); return ok })
	version := w.learnedMap(t, key).ResourceVersion

	for range 3 {
		second.mu.Lock()
		clear(second.known)
		second.mu.Unlock()
		second.Put(Subject{Key: key}, learning(key, "/srv/a"))
		eventually(t, "the second is settled", func() bool { _, ok := second.knows(key); return ok })
	}
	if r, _ := second.knows(key); !r.Guarded || len(r.Profile.Spec.Containers[0].Opens) != 2 {
		t.Errorf("merged %+v: want what the first knows", r)
	}
	if got := w.learnedMap(t, key).ResourceVersion; got != version || first.writes() != 1 || second.writes() != 0 {
		t.Errorf("written %d and %d times, version %s after %s; want 1 and 0", first.writes(), second.writes(), got, version)
	}
}

func TestLearnedSurvivesAnOutage(t *testing.T) {
	w := newWorld(t)
	key := webKey(w.namespace(t), "sha256:1")
	n := w.learner(t)
	if err := w.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	n.Put(Subject{Key: key}, learning(key, "/srv/a"))
	failures := n.client.metrics.learned.failures.unavailable
	eventually(t, "it was tried", func() bool { return testutil.ToFloat64(failures) > 0 })
	n.Put(Subject{Key: key}, learning(key, "/srv/a", "/srv/b"))
	if got := testutil.ToFloat64(n.client.metrics.learned.pending); got != 1 {
		t.Errorf("%v pending, want 1", got)
	}
	if err := w.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has arrived", func() bool { return w.allows(t, key, learnedProfile(key, "/srv/a", "/srv/b")) })
	eventually(t, "nothing is pending", func() bool { return testutil.ToFloat64(n.client.metrics.learned.pending) == 0 })
}

func testLoad(t *testing.T, w *world) {
	namespace := w.namespace(t)
	n := w.learner(t)
	put := func(key workload.Key, r Record) {
		t.Helper()
		n.Put(Subject{Key: key}, r)
		eventually(t, "settled", func() bool { _, ok := n.knows(key); return ok })
	}
	older, old, unfinished := webKey(namespace, "sha256:1"), webKey(namespace, "sha256:2"), webKey(namespace, "sha256:3")
	another := webKey(namespace, "sha256:4")
	another.Container = "sidecar"
	put(older, guarded(older, "/older"))
	time.Sleep(1100 * time.Millisecond) // creation times have seconds
	put(old, guarded(old, "/old"))
	put(unfinished, learning(unfinished, "/unfinished"))
	put(another, guarded(another, "/another"))
	ctx := t.Context()

	fresh := w.learner(t)
	own, before, err := fresh.Load(ctx, webKey(namespace, "sha256:5"))
	if err != nil || own != nil || before == nil || before.Name != LearnedName(old) {
		t.Errorf("Load of a new image: %+v, %+v, %v; want the newest guarded one", own, before, err)
	}
	if own, before, err = fresh.Load(ctx, old); err != nil || own == nil || before != nil || own.Profile.Spec.Containers[0].Opens[0].Path != "/old" {
		t.Errorf("Load of a known image: %+v, %+v, %v", own, before, err)
	}
	follower := webKey(namespace, "sha256:6")
	r := learning(follower, "/follower")
	r.Predecessor = LearnedName(older)
	put(follower, r)
	own, before, err = fresh.Load(ctx, follower)
	if err != nil || own == nil || before == nil || before.Name != LearnedName(older) {
		t.Errorf("Load of one that is being learned: %+v, %+v, %v; want the predecessor it began with", own, before, err)
	}
	nobody := webKey(namespace, "sha256:1")
	nobody.OwnerName = "nobody"
	if own, before, err = fresh.Load(ctx, nobody); err != nil || own != nil || before != nil {
		t.Errorf("Load of what nobody knows: %+v, %+v, %v", own, before, err)
	}

	others := w.client(t, "node1", "elsewhere").Learned(nil)
	if own, before, err = others.Load(ctx, old); err != nil || own != nil || before != nil {
		t.Errorf("Load in a namespace that is not configured: %+v, %+v, %v", own, before, err)
	}
}

func testRecordOfALostMapIsWrittenAgain(t *testing.T, w *world) {
	key := webKey(w.namespace(t), "sha256:1")
	n := w.learner(t)
	n.Put(Subject{Key: key, OwnerUID: "1", OwnerAPIVersion: "apps/v1"}, guarded(key, "/srv/a"))
	eventually(t, "settled", func() bool { _, ok := n.knows(key); return ok })
	err := w.CoreV1().ConfigMaps(agents).Delete(t.Context(), LearnedName(key), metav1.DeleteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is back", func() bool { return w.allows(t, key, learnedProfile(key, "/srv/a")) })
	if m := w.learnedMap(t, key); m.Annotations[AnnotationState] != "guarded" {
		t.Errorf("annotations %v", m.Annotations)
	}
}

func testOwnerThatWasMadeAgain(t *testing.T, w *world) {
	key := webKey(w.namespace(t), "sha256:1")
	n := w.learner(t)
	for _, uid := range []string{"1", "2"} {
		n.Put(Subject{Key: key, OwnerUID: uid, OwnerAPIVersion: "apps/v1"}, guarded(key, "/srv/a"))
		eventually(t, "the owner is "+uid, func() bool {
			m, err := w.CoreV1().ConfigMaps(agents).Get(t.Context(), LearnedName(key), metav1.GetOptions{})
			return err == nil && m.Annotations[AnnotationOwner] == uid
		})
	}
}

func testSizeOfLearned(t *testing.T, w *world) {
	key := webKey(w.namespace(t), "sha256:1")
	n := w.learner(t)
	var paths []string
	for i := range 100 { // directories of 40 names each, which stay as they are
		for j := range 40 {
			paths = append(paths, fmt.Sprintf("/srv/application/%c%c/%s%d", 'a'+i/10, 'a'+i%10, strings.Repeat("name", 15), j))
		}
	}
	r := learning(key, paths...)
	n.Put(Subject{Key: key}, r)
	eventually(t, "settled", func() bool { _, ok := n.knows(key); return ok })
	m := w.learnedMap(t, key)
	if len(m.BinaryData[keyCompressed]) == 0 || len(m.Data) > 0 {
		t.Fatalf("data of %d and binary data of %d keys; want it compressed", len(m.Data), len(m.BinaryData))
	}
	if !w.allows(t, key, r.Profile) {
		t.Error("something got lost in compression")
	}
	// Beyond what is kept, the last good record stays.
	var more []string
	for i := range maxText / 4000 {
		more = append(more, fmt.Sprintf("/etc/%d%s", i, strings.Repeat("/"+strings.Repeat("x", 200), 20)))
	}
	n.Put(Subject{Key: key}, learning(key, more...))
	eventually(t, "it says why", func() bool {
		return strings.Contains(w.learnedMap(t, key).Annotations[AnnotationReason], "too large")
	})
	if !w.allows(t, key, r.Profile) {
		t.Error("the last good record is gone")
	}
	if got := testutil.ToFloat64(n.client.metrics.learned.failures.tooLarge); got != 1 {
		t.Errorf("%v failures, want 1", got)
	}
}

func testHostileLearnedMap(t *testing.T, w *world) {
	key := webKey(w.namespace(t), "sha256:1")
	n := w.learner(t)
	elsewhere := key
	elsewhere.Namespace = "kube-system"
	record := guarded(elsewhere, "/⋯")
	good := get[*corev1.ConfigMap](t)(encode(&Subject{Key: elsewhere}, &record, ""))
	good.Name = LearnedName(key)
	maps := get[*corev1.ConfigMap](t)
	client := w.CoreV1().ConfigMaps(agents)
	maps(client.Create(t.Context(), good, metav1.CreateOptions{}))

	n.Put(Subject{Key: key}, learning(key, "/srv/a"))
	failures := n.client.metrics.learned.failures.unreadable
	eventually(t, "it is noticed", func() bool { return testutil.ToFloat64(failures) > 0 })
	if got := w.learnedMap(t, key); got.Data[keyProfile] != good.Data[keyProfile] {
		t.Error("what somebody else wrote was overwritten")
	}
	if _, _, err := n.Load(t.Context(), key); !errors.Is(err, errUnreadable) {
		t.Errorf("Load: %v, want %v", err, errUnreadable)
	}
}

func testMissingRightIsNoOutage(t *testing.T, w *world) {
	namespace := w.namespace(t)
	n := w.learner(t)
	none := webKey("no namespace at all", "sha256:1") // which no label can have
	n.Put(Subject{Key: none}, learning(none, "/srv/a"))
	refused := n.client.metrics.learned.failures.refused
	eventually(t, "it is refused", func() bool { return testutil.ToFloat64(refused) > 0 })
	key := webKey(namespace, "sha256:1")
	n.Put(Subject{Key: key}, learning(key, "/srv/a"))
	eventually(t, "another is written", func() bool { return w.allows(t, key, learnedProfile(key, "/srv/a")) })
	if _, err := w.CoreV1().ConfigMaps(agents).Get(context.Background(), LearnedName(none), metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("get: %v", err)
	}
	n.Forget(none)
}
