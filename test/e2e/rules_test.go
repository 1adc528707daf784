package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/alert"
)

const userRule = `apiVersion: kubescape.io/v1
kind: Rules
metadata: {name: mine}
spec:
  rules:
  - id: ID
    name: Mine
    enabled: true
    severity: 8
    profileDependency: 2
    expressions:
      message: "'seen: ' + event.path + event.exepath"
      uniqueId: "event.path"
      ruleExpression:
      - {eventType: open, expression: "event.path == '/tmp/greeting'"}
`

// TestUserRules gives the agent rules while it watches a container that is being
// learned: each change has effect for acts that were known before, and one that
// cannot be read has none.
func TestUserRules(t *testing.T) {
	l := newLab(t)
	config := l.config(t, time.Hour)
	config.Rules = filepath.Join(config.Dir, "rules")
	if err := os.Mkdir(config.Rules, 0o700); err != nil {
		t.Fatal(err)
	}
	a := l.agent(t, config)
	k := l.start(t, l.victim, victimSpec("victim-ruled"))
	write := func(text string) {
		t.Helper()
		temporary := filepath.Join(config.Dir, "rules.tmp")
		if err := os.WriteFile(temporary, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(temporary, filepath.Join(config.Rules, "mine.yaml")); err != nil {
			t.Fatal(err)
		}
	}
	// seen opens the file until the rule reports it.
	seen := func(id string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for ctx.Err() == nil {
			mustTell(t, k, "cat /tmp/greeting")
			short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
			s, ok := a.Await(short, 0, func(a *alert.Alert) bool { return string(a.Rule) == id })
			cancel()
			if ok {
				if s.Message != "seen: /tmp/greeting" || s.RuleName != "Mine" {
					t.Errorf("got %q of %q", s.Message, s.RuleName)
				}
				return
			}
		}
		t.Errorf("no alert by rule %s; the agent's log:\n%s", id, a.Log())
	}
	mustTell(t, k, "echo hello >/tmp/greeting; cat /tmp/greeting")
	write(strings.Replace(userRule, "id: ID", "id: mine-1", 1))
	seen("mine-1")
	write(strings.Replace(userRule, "event.path ==", "event.nothing ==", 1))
	for end := time.Now().Add(20 * time.Second); !strings.Contains(a.Log(), "rules are refused"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the agent did not refuse the rules; its log:\n%s", a.Log())
		}
	}
	write(strings.Replace(userRule, "id: ID", "id: mine-2", 1))
	seen("mine-2")
}
