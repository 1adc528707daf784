package metrics

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// gather collects from accounts as a scrape does, and returns what it says of
// deviations and progress.
func gather(t *testing.T, s *Accounts) string {
	t.Helper()
	text, err := testutil.CollectAndFormat(Collector{func() *Reading {
		return &Reading{Counters: &Counters{}, Accounts: s.All()}
	}}, expfmt.TypeTextPlain,
		"bobwatch_deviations_total", "bobwatch_alerts_total", "bobwatch_learning_progress_ratio")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAccountsAreBounded(t *testing.T) {
	s := NewAccounts()
	for i := range 3 * maxAccounts {
		s.Open("shop", fmt.Sprintf("web-%d", i)).deviations.Add(rule.UnexpectedSyscall, severity.High, 1)
	}
	text := gather(t, s)
	if got := strings.Count(text, "bobwatch_deviations_total{"); got != maxAccounts+1 {
		t.Errorf("%d series, want %d and one for the rest", got, maxAccounts)
	}
	want := fmt.Sprintf(`{namespace="",rule="R0003",severity="high",workload="_other"} %d`, 2*maxAccounts)
	if !strings.Contains(text, want) {
		t.Errorf("no %s among the series", want)
	}
}

func TestAccountIsKeptByItsHolders(t *testing.T) {
	s := NewAccounts()
	first, second := s.Open("shop", "web"), s.Open("shop", "web")
	if first != second {
		t.Fatal("two accounts of one workload")
	}
	first.alerts.Add(rule.UnexpectedProcess, severity.Low, 1)
	s.Close(first)
	const series = `bobwatch_alerts_total{namespace="shop",rule="R0001",severity="low",workload="web"} 1`
	if text := gather(t, s); !strings.Contains(text, series) {
		t.Errorf("no %s in\n%s", series, text)
	}
	s.Close(second)
	if text := gather(t, s); text != "" {
		t.Errorf("series of a workload that is gone:\n%s", text)
	}
}

// TestHostileNames gives workloads names that are no label values, or that
// stand for something else.
func TestHostileNames(t *testing.T) {
	s := NewAccounts()
	for _, name := range []string{"\xff\xfe", "a\nbobwatch_ready 1", `"} 1`, sharedAccount, strings.Repeat("x", 1<<20)} {
		s.Open(name, name).SetProgress(0.5)
	}
	text := gather(t, s)
	if got := strings.Count(text, "\n"); got != 5+2 { // and HELP and TYPE
		t.Errorf("%d lines, want one for each workload:\n%.2000s", got, text)
	}
	if len(text) > 4096 {
		t.Errorf("%d bytes for five workloads", len(text))
	}
}
