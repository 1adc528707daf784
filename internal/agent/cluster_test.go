package agent

import (
	"testing"

	"bobwatch/internal/kubernetes"
	"bobwatch/internal/learner"
	"bobwatch/internal/status"
)

func TestShares(t *testing.T) {
	owned := kubernetes.Subject{OwnerUID: "1"}
	shared := &cluster{learned: new(kubernetes.Client).Learned(nil)}
	tests := map[string]struct {
		cluster   *cluster
		behaviour behaviour
		want      bool
	}{
		"learning":               {shared, behaviour{owner: owned, state: status.Learning}, true},
		"guarded":                {shared, behaviour{owner: owned, state: status.Guarded}, true},
		"off":                    {shared, behaviour{owner: owned, state: status.Off}, false},
		"owner not known":        {shared, behaviour{state: status.Learning}, false},
		"switched off":           {&cluster{}, behaviour{owner: owned, state: status.Learning}, false},
		"without the API server": {nil, behaviour{owner: owned, state: status.Learning}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.cluster.shares(&tt.behaviour); got != tt.want {
				t.Errorf("shares = %t, want %t", got, tt.want)
			}
		})
	}
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
			if got := reasonOf(tt.state); got != tt.want {
				t.Errorf("reasonOf = %q, want %q", got, tt.want)
			}
		})
	}
}
