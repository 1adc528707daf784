package sink

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/alert"
)

func newAM(t *testing.T, urls ...string) *Alertmanager {
	t.Helper()
	am, err := NewAlertmanager("am", AlertmanagerOptions{URLs: urls, ResolveAfter: time.Hour, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	return am
}

func TestAlertIsDeliveredWhenOneMemberTookIt(t *testing.T) {
	const ok, bad, broken = http.StatusOK, http.StatusBadRequest, http.StatusInternalServerError
	tests := map[string]struct {
		members        []int // what they answer
		taken, refused bool
	}{
		"all":                        {[]int{ok, ok}, true, false},
		"one of two":                 {[]int{broken, ok}, true, false},
		"refused by one":             {[]int{bad, ok}, true, false},
		"refused by all":             {[]int{bad, bad}, false, true},
		"refused by the only one":    {[]int{bad}, false, true},
		"refused by one, other down": {[]int{bad, broken}, false, false},
		"all down":                   {[]int{broken, broken}, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var urls []string
			for _, status := range tt.members {
				urls = append(urls, newReceiver(t, status).URL)
			}
			n, err := newAM(t, urls...).Send(t.Context(), samples()[:2])
			if got := n == 2 && err == nil; got != tt.taken || !got && n != 0 {
				t.Errorf("Send = %d, %v, want taken %t", n, err, tt.taken)
			}
			if got := errors.Is(err, alert.ErrRefused); got != tt.refused {
				t.Errorf("Send: %v, want refused %t", err, tt.refused)
			}
		})
	}
}

func TestRefreshIsBounded(t *testing.T) {
	r := newReceiver(t, http.StatusOK)
	am := newAM(t, r.URL)
	for i := range maxActive + 10 {
		a := samples()[1]
		a.Fingerprint = fmt.Sprint(i)
		if _, err := am.Send(t.Context(), []alert.Alert{a}); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(am.active); got != maxActive {
		t.Errorf("remembered: got %d, want %d", got, maxActive)
	}
	if _, ok := am.active["0"]; ok {
		t.Error("the oldest is still remembered")
	}
	am.active = map[string]postable{"over": {EndsAt: time.Now()}}
	before := len(r.bodies)
	if err := am.Refresh(t.Context()); err != nil || len(am.active) != 0 || len(r.bodies) != before {
		t.Errorf("Refresh of what is over: got %v, %d remembered, %d requests", err, len(am.active), len(r.bodies)-before)
	}
}
