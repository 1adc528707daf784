package agent

import (
	"testing"

	"bobwatch/internal/kubernetes"
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
