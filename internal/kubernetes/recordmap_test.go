package kubernetes

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"bobwatch/internal/profile"
	"bobwatch/internal/workload"
)

func TestRecordSurvivesItsMap(t *testing.T) {
	key := webKey("shop", "sha256:1")
	tests := map[string]func(*Record){
		"guarded":      func(r *Record) { r.Guarded = true },
		"learning":     func(*Record) {},
		"all fields":   func(r *Record) { r.Replicas, r.NewFacts, r.Reason, r.Predecessor = 3, 4, "lost", "bob-x-1" },
		"no last news": func(r *Record) { r.LastNew = time.Time{} },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			want := learning(key, "/srv/a")
			want.LastNew = want.LastNew.UTC().Truncate(time.Second)
			want.Name = LearnedName(key)
			change(&want)
			m, err := encode(&Subject{Key: key, Image: "web:1"}, &want, "")
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode(m, &key)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	key := webKey("shop", "sha256:1")
	r := learning(key, "/srv/a")
	bomb, err := compress([]byte(strings.Repeat(" ", maxText+1)))
	if err != nil {
		t.Fatal(err)
	}
	of := func(change func(*profile.Profile)) func(*corev1.ConfigMap) {
		return func(m *corev1.ConfigMap) {
			p := *learnedProfile(key, "/srv/a")
			change(&p)
			text, err := profile.Marshal(&p)
			if err != nil {
				t.Fatal(err)
			}
			m.Data = map[string]string{keyProfile: string(text)}
		}
	}
	tests := map[string]func(*corev1.ConfigMap){
		"no profile":         func(m *corev1.ConfigMap) { m.Data = nil },
		"no YAML":            func(m *corev1.ConfigMap) { m.Data[keyProfile] = "{" },
		"unknown field":      func(m *corev1.ConfigMap) { m.Data[keyProfile] += "more: 1\n" },
		"two documents":      func(m *corev1.ConfigMap) { m.Data[keyProfile] += "---\n" + m.Data[keyProfile] },
		"no gzip":            func(m *corev1.ConfigMap) { m.BinaryData = map[string][]byte{keyCompressed: []byte("x")} },
		"bomb":               func(m *corev1.ConfigMap) { m.BinaryData = map[string][]byte{keyCompressed: bomb} },
		"another namespace":  of(func(p *profile.Profile) { p.Spec.Workload.Namespace = "" }),
		"another kind":       of(func(p *profile.Profile) { p.Spec.Workload.Kind = "" }),
		"another name":       of(func(p *profile.Profile) { p.Spec.Workload.Name = "x" }),
		"chosen by labels":   of(func(p *profile.Profile) { p.Spec.Workload.Labels = map[string]string{"a": "b"} }),
		"another container":  of(func(p *profile.Profile) { p.Spec.Containers = []profile.Container{{Name: "x"}} }),
		"several containers": of(func(p *profile.Profile) { p.Spec.Containers = append(p.Spec.Containers, profile.Container{Name: "x"}) }),
		"an allowance":       of(func(p *profile.Profile) { p.Metadata.Labels = map[string]string{profile.AllowanceLabel: "true"} }),
		"parameters": of(func(p *profile.Profile) {
			p.Spec.Parameters = []profile.Parameter{{Name: "a", Kind: profile.ParameterString}}
		}),
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := encode(&Subject{Key: key}, &r, "")
			if err != nil {
				t.Fatal(err)
			}
			change(m)
			if got, err := decode(m, &key); err == nil {
				t.Errorf("decode = %+v, want an error", got)
			}
		})
	}
}

// FuzzDecode: whatever somebody wrote into the map, what comes out is about the
// container alone, can be joined, and written again.
func FuzzDecode(f *testing.F) {
	key := webKey("shop", "sha256:1")
	r := guarded(key, "/srv/a")
	m, err := encode(&Subject{Key: key}, &r, "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Data[keyProfile], []byte(nil), "guarded", "24h", "3", "2026-11-21T00:00:00Z")
	f.Add("", []byte{0x1f, 0x8b, 8}, "", "-1h", "-3", "9999-01-01T00:00:00Z")
	f.Fuzz(func(t *testing.T, text string, zipped []byte, state, observed, replicas, last string) {
		m := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{
				AnnotationState: state, AnnotationObserved: observed, AnnotationWindow: observed, AnnotationReplicas: replicas,
				AnnotationNewFacts: replicas, AnnotationLastNew: last, AnnotationReason: last, AnnotationPredecessor: state,
			}},
			Data:       map[string]string{keyProfile: text},
			BinaryData: map[string][]byte{keyCompressed: zipped},
		}
		got, err := decode(m, &key)
		if err != nil {
			return
		}
		if got.Observed < 0 || got.Window < 0 || got.Replicas < 0 || got.LastNew.After(time.Now().Add(2*time.Hour)) {
			t.Errorf("out of bounds: %+v", got)
		}
		joined, err := join(&r, got)
		if err != nil {
			return // somebody wrote what contradicts; nothing is lost
		}
		if missing := profile.Covers(joined.Profile, r.Profile); len(missing) > 0 {
			t.Errorf("the join with %q lost %+v", text, missing)
		}
		again, err := encode(&Subject{Key: key}, joined, "")
		if err != nil {
			return
		}
		if _, err := decode(again, &key); err != nil {
			t.Errorf("what was joined cannot be read again: %v", err)
		}
	})
}

func TestJoin(t *testing.T) {
	key := webKey("shop", "sha256:1")
	now := time.Now()
	with := func(r Record, completeness profile.Completeness, from string) Record {
		r.Profile.Spec.Provenance.Completeness, r.Profile.Spec.Provenance.From = completeness, from
		return r
	}
	tests := map[string]struct {
		a, b     Record
		want     profile.Completeness
		from     string
		guarded  bool
		observed time.Duration
	}{
		"both learn": {learning(key, "/a"), learning(key, "/b"), profile.Learning, "start", false, time.Second},
		"one guards, the other learns without a start": {
			guarded(key, "/a"), with(learning(key, "/b"), profile.Learning, "attach"), profile.Complete, "start", true, testWindow,
		},
		"one guards partially": {
			with(guarded(key, "/a"), profile.Partial, "attach"), learning(key, "/b"), profile.Partial, "attach", true, testWindow,
		},
		"one of two is partial": {
			guarded(key, "/a"), with(guarded(key, "/b"), profile.Partial, "attach"), profile.Partial, "attach", true, testWindow,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.a.LastNew, tt.a.NewFacts = now, 1
			tt.b.LastNew, tt.b.NewFacts = now.Add(time.Minute), 2
			for _, order := range [][2]*Record{{&tt.a, &tt.b}, {&tt.b, &tt.a}} {
				got, err := join(order[0], order[1])
				if err != nil {
					t.Fatal(err)
				}
				provenance := got.Profile.Spec.Provenance
				if provenance.Completeness != tt.want || provenance.From != tt.from || got.Guarded != tt.guarded || got.Observed != tt.observed {
					t.Errorf("joined: %s from %s, guarded %t, observed %s; want %s from %s, %t, %s", provenance.Completeness,
						provenance.From, got.Guarded, got.Observed, tt.want, tt.from, tt.guarded, tt.observed)
				}
				if got.NewFacts != 2 || !got.LastNew.Equal(now.Add(time.Minute)) {
					t.Errorf("%d new facts at %s, want those of the later", got.NewFacts, got.LastNew)
				}
				if missing := profile.Covers(got.Profile, learnedProfile(key, "/a", "/b")); len(missing) > 0 {
					t.Errorf("lost %+v", missing)
				}
			}
		})
	}
}

// Many nodes' facts become the patterns that one node would have made of them.
func TestJoinGeneralises(t *testing.T) {
	key := webKey("shop", "sha256:1")
	joined := learning(key)
	for i := range 100 {
		other := learning(key, "/srv/upload/"+strings.Repeat("x", i+1))
		next, err := join(&joined, &other)
		if err != nil {
			t.Fatal(err)
		}
		joined = *next
	}
	c := joined.Profile.Spec.Containers[0]
	if len(c.Opens) != 0 || len(c.Directories) != 1 || c.Directories[0].Path != "/srv/upload/*" {
		t.Errorf("opens %v, directories %v, want a directory alone", c.Opens, c.Directories)
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("very-long.", 30)
	tests := map[string]workload.Key{
		"plain":         webKey("shop", "sha256:1"),
		"long":          {Namespace: "n", OwnerKind: "StatefulSet", OwnerName: long, Container: strings.Repeat("c", 63)},
		"custom kind":   {Namespace: "n", OwnerKind: "Kind_With+Signs", OwnerName: "x", Container: "c"},
		"empty":         {},
		"name of a pod": {Namespace: "n", OwnerKind: "Pod", OwnerName: "a.b-c", Container: "c"},
	}
	seen := map[string]string{}
	for name, key := range tests {
		got := LearnedName(key)
		if wrong := validation.IsDNS1123Subdomain(got); len(wrong) > 0 {
			t.Errorf("%s: LearnedName = %q: %v", name, got, wrong)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s are both %q", name, other, got)
		}
		seen[got] = name
		if wrong := validation.IsValidLabelValue(LabelValue(key.OwnerName)); len(wrong) > 0 {
			t.Errorf("%s: LabelValue: %v", name, wrong)
		}
	}
	if got, want := LearnedName(tests["plain"]), "bob-deployment-web-php-"; !strings.HasPrefix(got, want) || len(got) != len(want)+nameDigest {
		t.Errorf("LearnedName = %q, want %s and %d digits", got, want, nameDigest)
	}
}
