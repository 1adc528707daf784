package behaviour

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zaptest"

	"bobwatch/internal/catalog"
	"bobwatch/internal/event"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/learner"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/severity"
	"bobwatch/internal/signature"
	"bobwatch/internal/status"
	"bobwatch/internal/workload"
)

const window = time.Minute

// life is a Behaviour in a bubble of synctest, whose clock is that of events,
// too.
type life struct {
	*Behaviour
	t       *testing.T
	catalog *catalog.Catalog
	boot    time.Time
}

func newLife(t *testing.T, shares bool) *life {
	t.Helper()
	verifier, err := signature.NewVerifier(signature.Policy{
		Unsigned: []signature.UnsignedRule{{Namespace: "*", Action: signature.Warn}},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &life{t: t, boot: time.Now(), catalog: catalog.New(catalog.Options{Verifier: verifier})}
	model := workload.Container{Namespace: "shop", Name: "web", Owner: workload.Owner{Kind: "Deployment", Name: "web"}}
	l.Behaviour = New(model.Key(), &model, &Options{
		Arch: runtime.GOARCH, Window: window, Boot: l.boot, SinceBoot: l.now, Catalog: l.catalog,
		Shares: func(*Behaviour) bool { return shares }, Log: zaptest.NewLogger(t),
	})
	return l
}

func (l *life) now() int64 { return time.Since(l.boot).Nanoseconds() }

// instance starts a container.
func (l *life) instance(running bool) *Instance {
	in := &Instance{Container: l.Model}
	in.Container.Running = running
	l.Join(in, time.Now())
	return in
}

func (l *life) exec(path string) *event.Event {
	return &event.Event{Kind: event.KindExec, Path: []byte(path), Args: []byte(path + "\x00"), Time: uint64(l.now())}
}

func (l *life) open(path string) *event.Event {
	return &event.Event{Kind: event.KindOpen, Path: []byte(path), Access: event.AccessRead, Time: uint64(l.now())}
}

// after lets time pass and what is due be done.
func (l *life) after(d time.Duration) {
	time.Sleep(d)
	l.Tick(time.Now())
}

func (l *life) wants(state status.State, effects Effects) {
	l.t.Helper()
	if got := l.State; got != state {
		l.t.Errorf("state %s, want %s", got, state)
	}
	if diff := cmp.Diff(effects, l.Effects()); diff != "" {
		l.t.Errorf("effects (-want +got):\n%s", diff)
	}
	if guarded := l.Matcher != nil; guarded != (state == status.Guarded) {
		l.t.Errorf("a matcher: %t in state %s", guarded, state)
	}
}

// publish makes the document of the workload the only one, or none.
func (l *life) publish(document string) {
	var documents []catalog.Document
	if document != "" {
		documents = []catalog.Document{{Name: "web", File: "web.yaml", Data: []byte(document)}}
	}
	l.catalog.Publish("directory", documents)
}

const document = `
apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: web}
spec:
  workload: {namespace: shop, kind: Deployment, name: web}
  containers:
  - name: web
    execs: [{path: /bin/documented}]
    syscalls: {amd64: [read], arm64: [read]}
`

func in(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestWindowEnds(t *testing.T) {
	in(t, func(t *testing.T) {
		l := newLife(t, false)
		l.instance(false)
		l.Observe(l.exec("/bin/web"))
		l.after(window - time.Second)
		l.wants(status.Learning, Effects{Journal: true})
		sent := l.exec("/bin/late")
		l.after(time.Second)
		l.wants(status.Guarded, Effects{Apply: true, Journal: true, Save: true})
		if !l.Late(sent) || l.Late(&event.Event{Time: uint64(l.now() + 1)}) {
			t.Error("an act of the window is to be learned after it, and no later one")
		}
		if got := l.Matcher.Exec([]byte("/bin/late"), []byte("/bin/late\x00")); got == match.Allowed {
			t.Error("an act is allowed that nobody saw")
		}
		l.Observe(sent)
		l.Settle(time.Now())
		l.wants(status.Guarded, Effects{Apply: true, Journal: true})
		if got := l.Matcher.Exec([]byte("/bin/late"), []byte("/bin/late\x00")); got != match.Allowed {
			t.Errorf("the late act is judged %d, want allowed", got)
		}
		if got := l.Profile(time.Now()).Spec.Provenance.Completeness; got != profile.Complete {
			t.Errorf("completeness %s, want complete", got)
		}
	})
}

func TestWindowCountsOnlyTimeThatRuns(t *testing.T) {
	in(t, func(t *testing.T) {
		l := newLife(t, false)
		first := l.instance(false)
		l.after(window / 2)
		l.Leave(first, time.Now())
		l.after(time.Hour)
		l.wants(status.Learning, Effects{Journal: true})
		l.instance(false)
		l.after(window / 2)
		l.wants(status.Guarded, Effects{Apply: true, Journal: true, Save: true})
	})
}

func TestOtherNodesAreAskedBeforeTheWindowEnds(t *testing.T) {
	in(t, func(t *testing.T) {
		l := newLife(t, true)
		l.instance(false)
		l.after(window)
		l.wants(status.Learning, Effects{Journal: true, Share: true})
		if !l.Record(time.Now()).Guarded {
			t.Error("the others are not told that the window has ended here")
		}
		l.after(sealPatience - time.Second)
		l.wants(status.Learning, Effects{})
		l.after(time.Second) // the cluster does not answer
		l.wants(status.Guarded, Effects{Apply: true, Journal: true, Save: true})
	})
}

func TestDocumentGuardsAndGoes(t *testing.T) {
	in(t, func(t *testing.T) {
		l := newLife(t, false)
		l.publish(document)
		l.Meet(kubernetes.Settings{}, kubernetes.Subject{}, nil, nil, time.Now())
		l.instance(false)
		l.wants(status.Guarded, Effects{Apply: true, Journal: true})
		l.after(10 * window) // is no time that is learned
		l.wants(status.Guarded, Effects{})
		l.publish("")
		l.after(time.Second)
		l.wants(status.Learning, Effects{Apply: true})
		l.after(window - time.Second)
		l.wants(status.Learning, Effects{})
		l.after(time.Second)
		l.wants(status.Guarded, Effects{Apply: true, Journal: true, Save: true})
	})
}

// What was learned, here or by other nodes, widens no document that describes
// the workload, unless it is configured.
func TestDocumentKeepsWhatWasLearnedOut(t *testing.T) {
	for _, joined := range []bool{false, true} {
		t.Run(fmt.Sprintf("joined %t", joined), func(t *testing.T) {
			in(t, func(t *testing.T) {
				l := newLife(t, false)
				l.opts.JoinLearned = joined
				l.instance(true)
				l.Observe(l.exec("/bin/learned"))
				l.after(window)
				l.publish(document)
				l.Tick(time.Now())
				verdict := l.Matcher.Exec([]byte("/bin/learned"), []byte("/bin/learned\x00"))
				if got := verdict == match.Allowed; got != joined {
					t.Errorf("/bin/learned is allowed: %t, want %t", got, joined)
				}
				first := l.instance(false)
				if got := l.LearnFirstTime(first, l.open("/etc/hosts"), severity.Low); got != joined {
					t.Errorf("a first start is learned: %t, want %t", got, joined)
				}
			})
		})
	}
}

func TestObeys(t *testing.T) {
	tests := map[string]struct {
		settings kubernetes.Settings
		document bool
		want     status.State
		alert    bool
	}{
		"nothing":                      {want: status.Learning},
		"off":                          {settings: kubernetes.Settings{Mode: kubernetes.ModeOff}, want: status.Off},
		"off beats a document":         {settings: kubernetes.Settings{Mode: kubernetes.ModeOff}, document: true, want: status.Off},
		"learn beats a document":       {settings: kubernetes.Settings{Mode: kubernetes.ModeLearn}, document: true, want: status.Learning},
		"guard without a profile":      {settings: kubernetes.Settings{Mode: kubernetes.ModeGuard}, want: status.Unguarded, alert: true},
		"guard with a document":        {settings: kubernetes.Settings{Mode: kubernetes.ModeGuard}, document: true, want: status.Guarded},
		"a document that is not there": {settings: kubernetes.Settings{Document: "other"}, want: status.Unguarded, alert: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T) {
				l := newLife(t, false)
				if tt.document {
					l.publish(document)
				}
				l.Meet(tt.settings, kubernetes.Subject{}, nil, nil, time.Now())
				if got := l.State; got != tt.want {
					t.Errorf("state %s, want %s", got, tt.want)
				}
				if got := l.Effects().Unguarded; got != tt.alert {
					t.Errorf("reports that nothing describes it: %t, want %t", got, tt.alert)
				}
			})
		})
	}
}

func TestGuardOnDemandUsesWhatWasLearned(t *testing.T) {
	in(t, func(t *testing.T) {
		l := newLife(t, false)
		l.instance(false)
		l.Observe(l.exec("/bin/web"))
		l.after(window / 2)
		l.Obey(kubernetes.Settings{Mode: kubernetes.ModeGuard}, kubernetes.Subject{}, time.Now())
		l.wants(status.Guarded, Effects{Apply: true, Journal: true, Save: true})
		p := l.Profile(time.Now())
		if p.Spec.Provenance.Completeness != profile.Partial {
			t.Errorf("completeness %s, want partial: the window was cut short", p.Spec.Provenance.Completeness)
		}
	})
}

// A first start or end after the window teaches harmless acts, and no program.
func TestFirstTimeTeachesOnlyLowActs(t *testing.T) {
	type act struct {
		ev    func(*life) *event.Event
		grade severity.Severity
	}
	acts := map[string]act{
		"low open":    {func(l *life) *event.Event { return l.open("/etc/hosts") }, severity.Low},
		"medium open": {func(l *life) *event.Event { return l.open("/etc/ssh/key") }, severity.Medium},
		"execution":   {func(l *life) *event.Event { return l.exec("/bin/sh") }, severity.Low},
	}
	moments := map[string]struct {
		begin func(*life) *Instance
		after time.Duration
		learn bool
	}{
		"first start":           {func(l *life) *Instance { return l.instance(false) }, 0, true},
		"first start, too late": {func(l *life) *Instance { return l.instance(false) }, firstTimeGrace, false},
		"first end": {func(l *life) *Instance {
			in := l.instance(true)
			l.Ends(in, time.Now())
			return in
		}, 0, true},
		"neither": {func(l *life) *Instance { return l.instance(true) }, 0, false},
	}
	for moment, m := range moments {
		for name, a := range acts {
			t.Run(moment+"/"+name, func(t *testing.T) {
				in(t, func(t *testing.T) {
					l := newLife(t, false)
					l.instance(true) // ran before the agent
					l.after(window)
					in := m.begin(l)
					time.Sleep(m.after)
					ev := a.ev(l)
					want := m.learn && name == "low open"
					if got := l.LearnFirstTime(in, ev, a.grade); got != want {
						t.Errorf("learned: %t, want %t", got, want)
					}
					if l.LearnFirstTime(in, ev, a.grade) {
						t.Error("the same act is new twice")
					}
				})
			})
		}
	}
}

func TestSecondStartTeachesNothing(t *testing.T) {
	in(t, func(t *testing.T) {
		l := newLife(t, false)
		l.instance(true)
		l.after(window)
		l.Leave(l.instance(false), time.Now())
		time.Sleep(firstTimeGrace)
		second := l.instance(false)
		if l.LearnFirstTime(second, l.open("/etc/hosts"), severity.Low) {
			t.Error("a second start was learned")
		}
	})
}

func TestNewImageStartsFromTheOneBefore(t *testing.T) {
	in(t, func(t *testing.T) {
		before := newLife(t, false)
		before.instance(false)
		before.Observe(before.exec("/bin/web"))
		before.after(window)
		record := before.Record(time.Now())
		record.Name = "bob-learned-1"

		l := newLife(t, false)
		l.Meet(kubernetes.Settings{}, kubernetes.Subject{}, nil, &record, time.Now())
		l.instance(false)
		if l.State != status.Learning || l.Baseline == nil {
			t.Fatalf("state %s, baseline %v; want to learn beside the profile of the image before", l.State, l.Baseline)
		}
		if l.Observe(l.exec("/bin/web")) {
			t.Error("what the image before did is new")
		}
		if got := l.Record(time.Now()).Predecessor; got != record.Name {
			t.Errorf("predecessor %q, want %q", got, record.Name)
		}
		l.after(window)
		if l.Baseline != nil {
			t.Error("the image before is still compared with")
		}
	})
}

func TestAbsorbsWhatAnotherNodeGuardsBy(t *testing.T) {
	in(t, func(t *testing.T) {
		other := newLife(t, false)
		other.instance(false)
		other.Observe(other.exec("/bin/web"))
		other.after(window)
		record := other.Record(time.Now())

		l := newLife(t, false)
		l.Meet(kubernetes.Settings{}, kubernetes.Subject{}, &record, nil, time.Now())
		l.wants(status.Guarded, Effects{Apply: true, Journal: true, Save: true})
		execs := l.Profile(time.Now()).Spec.Containers[0].Execs
		if !slices.ContainsFunc(execs, func(e profile.Exec) bool { return e.Path == "/bin/web" }) {
			t.Errorf("execs %v, want /bin/web, too", execs)
		}
	})
}

func TestOnlyALearningWorkloadLoses(t *testing.T) {
	in(t, func(t *testing.T) {
		l := newLife(t, false)
		l.instance(false)
		l.Lose(0)
		l.after(window)
		l.Lose(5)
		if got := l.Profile(time.Now()).Spec.Provenance.Lost; got != 0 {
			t.Errorf("lost %d, want 0: the profile was complete before", got)
		}
	})
}

func TestReasonOf(t *testing.T) {
	tests := map[string]struct {
		state learner.State
		want  string
	}{
		"complete": {learner.State{Guarded: true, StartSeen: true}, ""},
		"learning": {learner.State{StartSeen: true}, "the window has not ended"},
		"partial":  {learner.State{Guarded: true, CutShort: true, Lost: 2}, "no start was seen, the window was cut short, 2 records were lost"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := reasonOf(&tt.state); got != tt.want {
				t.Errorf("reasonOf = %q, want %q", got, tt.want)
			}
		})
	}
}
