package learner

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
)

// Two nodes that tell each other what they learned know the same afterwards,
// and nothing is new the second time.
func TestAbsorb(t *testing.T) {
	now := boot.Add(time.Minute)
	a, b := newLearner(), newLearner()
	for seed, l := range map[uint64]*Learner{1: a, 2: b} {
		for _, e := range aRun(rand.New(rand.NewPCG(seed, seed)), 50) {
			l.Observe(e)
		}
	}
	a.Observe(call(t, "read"))
	b.Observe(call(t, "mount"))
	b.Observe(&event.Event{Kind: event.KindSyscall, ABI: event.ABICompat, Nr: 20})
	fromA, fromB := a.Container(), b.Container()
	if !a.Absorb(&fromB, now) || !b.Absorb(&fromA, now) {
		t.Fatal("Absorb found nothing new in what another learned")
	}
	if diff := cmp.Diff(a.Container(), b.Container()); diff != "" {
		t.Errorf("containers differ:\n%s", diff)
	}
	if a.Known() != b.Known() {
		t.Error("known system calls differ")
	}
	joined := a.Container()
	if a.Absorb(&joined, now) {
		t.Error("Absorb of what is known already found something new")
	}
	if got := a.LastNews(); !got.Equal(now) {
		t.Errorf("LastNews = %v, want %v", got, now)
	}
	facts, _ := a.Take(now)
	restored := newLearner()
	restored.Restore(a.State(now), facts)
	if diff := cmp.Diff(joined, restored.Container()); diff != "" {
		t.Errorf("what was absorbed was not told for the journal:\n%s", diff)
	}
}

// An entry that allows anything goes on doing so, and one that allows no
// arguments does not begin to.
func TestAbsorbKeepsTheMeaningOfWhatIsLeftOut(t *testing.T) {
	l := newLearner()
	l.Absorb(&profile.Container{
		Execs: []profile.Exec{{Path: "/any"}, {Path: "/none", ArgsRequired: true}},
		Opens: []profile.Open{{Path: "/file"}},
	}, boot)
	c := l.Container()
	m, err := match.Compile([]profile.Container{c}, match.Options{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]match.Verdict{
		"any arguments":  m.Exec([]byte("/any"), []byte("/any\x00-x\x00")),
		"read":           m.Open([]byte("/file"), event.AccessRead),
		"read and write": m.Open([]byte("/file"), event.AccessRead|event.AccessWrite),
	} {
		if got != match.Allowed {
			t.Errorf("%s: %v, want it allowed", name, got)
		}
	}
	if got := m.Exec([]byte("/none"), []byte("/none\x00-x\x00")); got != match.DetailUnknown {
		t.Errorf("arguments where none are allowed: %v", got)
	}
}

func TestAbsorbStateTakesTheLongest(t *testing.T) {
	l := newLearner()
	l.Started(boot, false)
	now := boot.Add(10 * time.Second)
	l.AbsorbState(now, State{Observed: 4 * time.Second})
	if got := l.ObservedFor(now); got != 10*time.Second {
		t.Errorf("observed %s after a shorter time elsewhere, want 10s", got)
	}
	l.AbsorbState(now, State{Observed: time.Minute, StartSeen: true, Guarded: true})
	if got := l.State(now.Add(time.Second)); got.Observed != 61*time.Second || !got.StartSeen || !got.Guarded {
		t.Errorf("State = %+v, want 61s, start seen, guarded", got)
	}
}
