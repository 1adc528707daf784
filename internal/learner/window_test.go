package learner

import (
	"strings"
	"testing"
	"time"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"

	"github.com/google/go-cmp/cmp"
)

func TestObservedFor(t *testing.T) {
	at := func(seconds int) time.Time { return boot.Add(time.Duration(seconds) * time.Second) }
	tests := map[string]struct {
		steps func(l *Learner)
		want  time.Duration // at 100 s
	}{
		"nothing ran": {func(*Learner) {}, 0},
		"still runs":  {func(l *Learner) { l.Started(at(40), true) }, 60 * time.Second},
		"restarted": {func(l *Learner) {
			l.Started(at(0), true)
			l.Stopped(at(10))
			l.Started(at(50), true)
			l.Stopped(at(55))
		}, 15 * time.Second},
		"replicas count once": {func(l *Learner) {
			l.Started(at(0), true)
			l.Started(at(10), true)
			l.Stopped(at(20))
			l.Stopped(at(30))
		}, 30 * time.Second},
		"rollout overlaps": {func(l *Learner) {
			l.Started(at(0), true)
			l.Started(at(80), true)
			l.Stopped(at(85))
		}, 100 * time.Second},
		"stop without a start": {func(l *Learner) { l.Stopped(at(50)) }, 0},
		"clock set back":       {func(l *Learner) { l.Started(at(200), true) }, 0},
		"restored": {func(l *Learner) {
			l.Restore(State{Observed: time.Hour}, nil)
			l.Started(at(90), true)
		}, time.Hour + 10*time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLearner()
			tt.steps(l)
			if got := l.ObservedFor(at(100)); got != tt.want {
				t.Errorf("ObservedFor = %v, want %v", got, tt.want)
			}
			if got, want := l.Done(at(100)), tt.want >= time.Minute; got != want {
				t.Errorf("Done = %t, want %t", got, want)
			}
		})
	}
}

func TestProvenance(t *testing.T) {
	end := boot.Add(time.Minute)
	longPath := "/" + strings.Repeat("a/", maxPathBytes)
	tests := map[string]struct {
		steps func(l *Learner)
		now   time.Time
		want  profile.Provenance
	}{
		"learning": {
			func(l *Learner) { l.Started(boot, true) }, boot.Add(time.Second),
			profile.Provenance{LearnedFor: "1s", From: "start", Completeness: profile.Learning},
		},
		"complete": {
			func(l *Learner) { l.Started(boot, true) }, end,
			profile.Provenance{LearnedFor: "1m0s", From: "start", Completeness: profile.Complete},
		},
		"start not seen": {
			func(l *Learner) { l.Started(boot, false) }, end,
			profile.Provenance{LearnedFor: "1m0s", From: "attach", Completeness: profile.Partial},
		},
		"start seen later": {
			func(l *Learner) { l.Started(boot, false); l.Started(boot, true) }, end,
			profile.Provenance{LearnedFor: "1m0s", From: "start", Completeness: profile.Complete},
		},
		"lost": {
			func(l *Learner) { l.Started(boot, true); l.Lose(2) }, end,
			profile.Provenance{LearnedFor: "1m0s", From: "start", Completeness: profile.Partial, Lost: 2},
		},
		"not kept": {
			func(l *Learner) { l.Started(boot, true); l.Observe(open(longPath, event.AccessRead)) }, end,
			profile.Provenance{LearnedFor: "1m0s", From: "start", Completeness: profile.Partial, NotKept: 1},
		},
		"guarded early": {
			func(l *Learner) { l.Started(boot, true); l.Guard(boot.Add(time.Second)) }, boot.Add(time.Second),
			profile.Provenance{LearnedFor: "1s", From: "start", Completeness: profile.Partial, CutShort: true},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLearner()
			tt.steps(l)
			if diff := cmp.Diff(tt.want, l.Provenance(tt.now)); diff != "" {
				t.Errorf("Provenance: -want +got\n%s", diff)
			}
		})
	}
}
