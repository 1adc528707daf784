package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte("learning:\n  window: 30s\ncontainerd:\n  sockets: [/run/c.sock]\nalerts: {output: json}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Learning.Window = Duration(30 * time.Second)
	want.Containerd.Sockets = []string{"/run/c.sock"}
	want.Alerts.Output = OutputJSON
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEmptyFileIsTheDefault(t *testing.T) {
	for _, file := range []string{"", "\n", "# nothing\n", "---\n"} {
		got, err := Parse([]byte(file))
		if err != nil {
			t.Fatalf("%q: %v", file, err)
		}
		if diff := cmp.Diff(Default(), got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", file, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]struct {
		file string
		want []string // all in one error
	}{
		"unknown key":     {"learning:\n  windw: 1h\n", []string{"[2:3]", "windw"}},
		"wrong type":      {"learning:\n  sandboxes: 7\n", []string{"[2:14]"}},
		"bad duration":    {"learning:\n  window: soon\n", []string{"soon", "30s or 24h"}},
		"all at once":     {"stateDir: x\nsensor: {ringBytes: 100000}\n", []string{"stateDir", "sensor.ringBytes"}},
		"bad output":      {"alerts: {output: xml}\n", []string{"alerts.output", "auto, json, text"}},
		"bad pattern":     {"cgroups: {patterns: ['/a[']}\n", []string{"cgroups.patterns[0]"}},
		"bad trust":       {"profiles: {trust: {authorities: [{name: v}]}}\n", []string{"profiles.trust", "authorities[0]"}},
		"not a structure": {"- a\n", []string{"[1:1]"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(tt.file))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not mention %q", err, want)
				}
			}
		})
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(file, []byte("nonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Load = %v, want an error that names %s", err, file)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("learning:\n  window: 30s\n"))
	f.Add([]byte("profiles: {trust: {unsigned: [{namespace: '*', action: warn}]}}\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > maxBytes {
			return
		}
		if c, err := Parse(raw); err == nil {
			if err := c.validate(); err != nil {
				t.Errorf("accepted an invalid configuration: %v", err)
			}
		}
	})
}
