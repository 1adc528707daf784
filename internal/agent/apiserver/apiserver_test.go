package apiserver

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/behaviour"
	"bobwatch/internal/catalog"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/workload"
)

func TestShares(t *testing.T) {
	owned := kubernetes.Subject{OwnerUID: "1"}
	shared := &Server{learned: new(kubernetes.Client).Learned(nil)}
	tests := map[string]struct {
		cluster *Server
		owner   kubernetes.Subject
		mode    kubernetes.Mode
		want    bool
	}{
		"learning":               {shared, owned, "", true},
		"off":                    {shared, owned, kubernetes.ModeOff, false},
		"owner not known":        {shared, kubernetes.Subject{}, "", false},
		"switched off":           {&Server{}, owned, "", false},
		"without the API server": {nil, owned, "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := behaviour.New(workload.Key{Namespace: "shop"}, &workload.Container{}, &behaviour.Options{
				Window: time.Hour, Catalog: catalog.New(catalog.Options{}), Log: zap.NewNop(),
			})
			b.Meet(kubernetes.Settings{Mode: tt.mode}, tt.owner, nil, nil, time.Now())
			if got := tt.cluster.Shares(b); got != tt.want {
				t.Errorf("shares = %t, want %t", got, tt.want)
			}
		})
	}
}
