package cluster

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/alert"
)

const (
	alertText = `{"fingerprint":"f1","rule":"R0001","ruleName":"x","severity":"high","message":"m","count":1,"node":"liar","workload":{"name":"w"},"container":{"id":"c"}}`
	logText   = `{"level":"info","ts":"2026-01-02T03:04:05Z","msg":"document in force","rule":"R0001"}`
)

func stamp(second int) string { return fmt.Sprintf("2026-01-02T03:04:%02d.5Z", second) }

func TestScan(t *testing.T) {
	lines := []string{
		stamp(1) + " " + alertText,
		stamp(2) + " " + logText,
		stamp(2) + " " + alertText, // read before
		stamp(3) + " panic: text of the runtime",
		stamp(4) + " " + strings.Repeat("x", 2*maxLineBytes),
		stamp(5) + " " + strings.ReplaceAll(alertText, "f1", "f5"),
		"no time at all " + alertText,
		stamp(6) + " " + strings.NewReplacer("R0001", "R9999", "f1", "f6").Replace(alertText),
		stamp(7) + " " + strings.ReplaceAll(alertText, "R0001", "R 1"),
		stamp(8) + " " + strings.ReplaceAll(alertText, "f1", "f7"),
		stamp(9) + " " + alertText[:40],
	}
	var got []string
	var troubles []error
	r := &reader{
		take: func(a alert.Alert) { got = append(got, a.Fingerprint+" on "+a.Node) },
		watch: Watch{Trouble: func(_ Agent, err error) {
			troubles = append(troubles, err)
		}},
	}
	last, err := time.Parse(time.RFC3339, stamp(1))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time nothing is new but what was cut
		tl := &tail{reader: r, agent: Agent{Node: "node1"}, last: last}
		if err := tl.scan(strings.NewReader(strings.Join(lines, "\n"))); err != nil {
			t.Fatal(err)
		}
		last = tl.last
		lines[len(lines)-1] = stamp(9) + " " + strings.ReplaceAll(alertText, "f1", "f8") + "\n"
	}
	if diff := cmp.Diff([]string{"f5 on node1", "f6 on node1", "f7 on node1", "f8 on node1"}, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
	if len(troubles) != 1 || !strings.Contains(troubles[0].Error(), "R 1") {
		t.Errorf("got troubles %v, want one about the rule that is none", troubles)
	}
}

func TestNextLine(t *testing.T) {
	r := bufio.NewReaderSize(strings.NewReader(strings.Repeat("x", 100)+"\nshort\ncut"), 16)
	var got []string
	for {
		line, err := nextLine(r)
		if errors.Is(err, io.EOF) {
			break
		}
		got = append(got, string(line))
	}
	if diff := cmp.Diff([]string{"", "short\n"}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add([]byte(stamp(1) + " " + alertText))
	f.Add([]byte(stamp(1) + " " + logText))
	f.Add([]byte(stamp(1)))
	f.Add([]byte(" {}"))
	f.Fuzz(func(t *testing.T, line []byte) {
		at, a, err := parseLine(line)
		switch {
		case err != nil && !errors.Is(err, errNoAlert) && at.IsZero():
			t.Errorf("an alert without a time: %v", err)
		case err == nil && (a.Fingerprint == "" || a.Rule == ""):
			t.Errorf("got an alert that is none: %+v", a)
		case err == nil:
			if _, err := json.Marshal(a); err != nil {
				t.Errorf("it cannot be written again: %v", err)
			}
		}
	})
}
