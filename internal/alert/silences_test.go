package alert

import (
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"bobwatch/internal/rule"
)

// Whatever a program and a reason are called, an entry is one map in YAML with
// these values, or there is none.
func TestSilences(t *testing.T) {
	until := time.Date(2026, 12, 7, 1, 0, 0, 0, time.UTC)
	for _, path := range []string{"/bin/dash", `/tmp/a", rule: R0001, x: "`, "/tmp/a b: {c}, #d", "/tmp/é'", "/tmp/*", `/tmp/\x0a`, "memfd:x"} {
		const reason = "it's \"known\": {x}\n- y"
		a := Alert{Rule: rule.UnexpectedProcess, Deviation: Deviation{Exec: &Exec{Path: path}}}
		a.Workload = Workload{Namespace: "shop", Kind: "Deployment", Name: "web"}
		entries := Silences(&a, reason, until)
		want := map[string]int{"/tmp/*": 0, `/tmp/\x0a`: 0, "memfd:x": 1}
		n, odd := want[path]
		if !odd {
			n = 2
		}
		if len(entries) != n {
			t.Errorf("%s: %d entries, want %d", path, len(entries), n)
		}
		for i, entry := range entries {
			var got map[string]string
			if err := yaml.Unmarshal([]byte(entry), &got); err != nil {
				t.Errorf("%s: %v", entry, err)
				continue
			}
			field := []string{"path", "process"}[i]
			if got["workload"] != "shop/Deployment/web" || got["reason"] != reason || got["expires"] != "2026-12-07" || path[0] == '/' && got[field] != path {
				t.Errorf("%s: reads as %q", entry, got)
			}
		}
	}
	var nobody Alert
	if entries := Silences(&nobody, "x", until); entries != nil {
		t.Errorf("without a workload: %q would silence others", entries)
	}
}
