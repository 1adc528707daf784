package sensor

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"bobwatch/internal/testenv"
)

// TestOpenSaysWhatIsMissing runs the test binary as nobody.
func TestOpenSaysWhatIsMissing(t *testing.T) {
	testenv.Root(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{actVariable + "=unprivileged"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, _, _ := strings.Cut(string(out), "warning: GOCOVERDIR") // of a binary built with -cover
	if !strings.Contains(got, "cap_bpf is missing") || strings.Count(got, "\n") > 1 {
		t.Errorf("Open as nobody: %q, want one sentence that names the capability", got)
	}
}

func TestParseRelease(t *testing.T) {
	tests := map[string]struct {
		release string
		want    [2]int
		fails   bool
	}{
		"debian":  {release: "6.1.0-44-cloud-amd64", want: [2]int{6, 1}},
		"vanilla": {release: "5.15.0", want: [2]int{5, 15}},
		"short":   {release: "7.0", want: [2]int{7, 0}},
		"words":   {release: "unknown", fails: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			major, minor, err := parseRelease(tt.release)
			if (err != nil) != tt.fails || [2]int{major, minor} != tt.want {
				t.Errorf("parseRelease(%q) = %d, %d, %v; want %v", tt.release, major, minor, err, tt.want)
			}
		})
	}
}

func TestSupported(t *testing.T) {
	tests := map[string]struct {
		major, minor int
		want         bool
	}{
		"oldest":       {5, 15, true},
		"just too old": {5, 14, false},
		"old":          {4, 19, false},
		"newer":        {6, 1, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := supported(tt.major, tt.minor); got != tt.want {
				t.Errorf("supported(%d, %d) = %t, want %t", tt.major, tt.minor, got, tt.want)
			}
		})
	}
}
