package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/observation"
	"bobwatch/internal/observe"
	"bobwatch/internal/term"
)

// someSummary has a line of each kind.
func someSummary() []observe.Summary {
	first := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	times := observe.Times{First: first, Last: first.Add(time.Minute)}
	return []observe.Summary{{
		Namespace: "shop", Kind: "Deployment", Workload: "webapp", Container: "web",
		Images: []string{"localhost/web:1@sha256:abc"}, Instances: 2, StartSeen: true, Observed: 61.5, Lost: 1,
		Processes: []observe.ProcessLine{
			{Path: "/usr/bin/ping", Args: []string{"ping", "-c", "4", "10.0.0.1"}, Count: 12, Times: times},
			{Path: "/bin/sh", Args: []string{"sh", "-c", strings.Repeat("long ", 100)}, Count: 1, Times: times},
		},
		Files: []observe.FileLine{
			{Path: "/etc/passwd", Access: "O_RDONLY", Comm: "ping", First: first},
			{Path: "/etc/shadow", Access: "O_RDONLY", Errno: "EACCES", Comm: "cat", First: first},
		},
		Sockets: []observe.SocketLine{
			{Act: "bind", Protocol: "tcp", Address: "[::]:80", Comm: "apache2", Count: 1, Times: times},
			{Act: "connect", Protocol: "tcp", Address: "10.0.0.7:5432", Comm: "apache2", Count: 30, Errors: 2, Times: times},
			{Act: "bind", Protocol: "netlink", Comm: "ip", Count: 1, Times: times},
		},
		Syscalls: []observe.SyscallLine{
			{Name: "read", Count: 123456, Times: times},
			{Name: "openat", Count: 300, Errors: 12, Times: times},
			{Name: "open", ABI: "32-bit", Count: 1, Times: times},
		},
	}}
}

func TestSummaryGoldens(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
	for _, format := range []term.Format{term.Table, term.JSON, term.YAML} {
		t.Run(string(format), func(t *testing.T) {
			var out strings.Builder
			o := summaryOptions{Observation: observation.Observation{Terminal: &term.Terminal{Out: &out}}, format: format}
			if err := o.write(someSummary()); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "golden", "summary-"+string(format)+".txt")
			if *update {
				writeFile(t, golden, out.String())
			}
			if diff := cmp.Diff(readFile(t, golden), out.String()); diff != "" {
				t.Errorf("%s (-golden +got):\n%s", golden, diff)
			}
		})
	}
}

// A container chooses every text in a summary.
func TestSummaryOfHostileNames(t *testing.T) {
	const hostile = "a\n\x1b[31mb\t\u202e"
	summaries := []observe.Summary{{
		Workload: hostile, Kind: hostile, Namespace: hostile, Container: hostile, Images: []string{hostile},
		Processes: []observe.ProcessLine{{Path: hostile, Args: []string{hostile}}},
		Files:     []observe.FileLine{{Path: hostile, Comm: hostile}},
		Sockets:   []observe.SocketLine{{Address: hostile, Comm: hostile}},
	}}
	for _, format := range []term.Format{term.Table, term.JSON, term.YAML} {
		var out strings.Builder
		o := summaryOptions{Observation: observation.Observation{Terminal: &term.Terminal{Out: &out}}, format: format}
		if err := o.write(summaries); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(out.String(), "\x1b\u202e") || strings.Contains(out.String(), "\nb") {
			t.Errorf("%s: wrote %q", format, out.String())
		}
	}
}
