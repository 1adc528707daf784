package delivery

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
)

func TestSilence(t *testing.T) {
	open, call, launched, outside := golden(t, "open"), golden(t, "syscall"), golden(t, "exec"), golden(t, "exec")
	outside.Ancestors = nil
	tests := map[string]struct {
		silence Silence
		alert   *alert.Alert
		want    bool
	}{
		"workload":                 {Silence{Workload: "shop/Deployment/webapp"}, open, true},
		"workload pattern":         {Silence{Workload: "*/*/web*"}, open, true},
		"other workload":           {Silence{Workload: "shop/Deployment/db"}, open, false},
		"rule":                     {Silence{Rule: "R0002"}, open, true},
		"other rule":               {Silence{Rule: "R0001"}, open, false},
		"path":                     {Silence{Path: "/etc/*"}, open, true},
		"other path":               {Silence{Path: "/etc/passwd"}, open, false},
		"path of a program":        {Silence{Path: "/bin/cat"}, launched, true},
		"path, but a system call":  {Silence{Path: "/*"}, call, false},
		"process":                  {Silence{Process: "/bin/⋯"}, open, true},
		"other process":            {Silence{Process: "/usr/sbin/*"}, open, false},
		"launcher":                 {Silence{Process: "/bin/dash"}, launched, true},
		"what was launched":        {Silence{Process: "/bin/cat"}, launched, false},
		"launched by nobody known": {Silence{Process: "/*"}, outside, false},
		"all at once":              {Silence{Workload: "shop/*/*", Rule: "R0002", Path: "/etc/*", Process: "/bin/cat"}, open, true},
		"all but one":              {Silence{Workload: "shop/*/*", Rule: "R0001", Path: "/etc/*", Process: "/bin/cat"}, open, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			tt.silence.Expires = now.Add(time.Hour)
			s, err := NewSilencer([]Silence{tt.silence})
			if err != nil {
				t.Fatal(err)
			}
			if got := s.covers(tt.alert, now); got != tt.want {
				t.Errorf("covers: got %t, want %t", got, tt.want)
			}
			if s.covers(tt.alert, now.Add(time.Hour)) {
				t.Error("silences after it has expired")
			}
		})
	}
}

// golden is an alert as the builder makes it.
func golden(t *testing.T, name string) *alert.Alert {
	file, err := os.Open(filepath.Join("../testdata", name+".golden"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var a alert.Alert
	if err := json.NewDecoder(file).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return &a
}

func TestSilencesAreChecked(t *testing.T) {
	tests := map[string]struct {
		silence Silence
		want    string
	}{
		"everything":       {Silence{}, "everything"},
		"no name":          {Silence{Workload: "shop/Deployment"}, "NAMESPACE/KIND/NAME"},
		"bad pattern":      {Silence{Workload: "shop/Deployment/[a"}, "NAMESPACE/KIND/NAME"},
		"no rule":          {Silence{Rule: "R0001 "}, `"R0001 "`},
		"relative path":    {Silence{Path: "etc/*"}, "begin with /"},
		"relative process": {Silence{Process: "cat"}, "begin with /"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := NewSilencer([]Silence{{Rule: "R0001"}, tt.silence})
			if err == nil || !strings.Contains(err.Error(), "silences[1]") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error about silences[1] that says %q", err, tt.want)
			}
		})
	}
}

func TestSilencedIsCountedAndListed(t *testing.T) {
	silencer, err := NewSilencer([]Silence{
		{Rule: "R0002", Reason: "known", Expires: time.Now().Add(time.Hour)},
		{Rule: "R0001", Reason: "long ago", Expires: time.Now().Add(-time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.InfoLevel)
	opts := optionsFor(&recorder{})
	opts.Silencer, opts.Log = silencer, zap.New(core)
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	a := raised("web", "a", severity.High)
	a.Count = 7
	d.Enqueue(a)
	if s := d.Stats(); s.Silenced != 7 || s.Deviations != 7 || s.Alerts != 0 {
		t.Errorf("stats: got %+v, want 7 deviations, all of them silenced", s)
	}
	var got []string
	for _, entry := range logs.All() {
		got = append(got, entry.Level.String()+" "+entry.ContextMap()["reason"].(string))
	}
	if strings.Join(got, ", ") != "info known, warn long ago" {
		t.Errorf("log: got %q", got)
	}
}
