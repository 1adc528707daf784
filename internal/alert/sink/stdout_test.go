package sink

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
)

func TestStdoutWritesOneLineEach(t *testing.T) {
	var out bytes.Buffer
	sink := NewStdout(&out, alert.JSON)
	alerts := []alert.Alert{{Fingerprint: "web/a", Severity: severity.High}, {Fingerprint: "web/b", Severity: severity.Low}}
	if _, err := sink.Send(t.Context(), alerts); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], `"web/a"`) || !strings.Contains(lines[1], `"web/b"`) || lines[2] != "" {
		t.Errorf("output: got %q, want one line for each of two alerts", out.String())
	}
}

func TestTextIsColouredOnRequest(t *testing.T) {
	for _, colours := range []bool{false, true} {
		var out bytes.Buffer
		sink := NewStdout(&out, alert.Text(colours))
		if _, err := sink.Send(t.Context(), []alert.Alert{{Fingerprint: "web/a", Severity: severity.Critical}}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "\x1b["); got != colours {
			t.Errorf("colours %t: got %q", colours, out.String())
		}
	}
}

// A reader that stops reading must not keep the agent from ending.
func TestStdoutGivesUpWithItsContext(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	sink := NewStdout(w, alert.JSON)
	a := alert.Alert{Fingerprint: "web/a"}
	a.Message = strings.Repeat("x", 1<<20) // more than a pipe holds
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sink.Send(ctx, []alert.Alert{a}); !errors.Is(err, context.Canceled) {
		t.Errorf("Send to a full pipe: got %v, want context canceled", err)
	}
}
