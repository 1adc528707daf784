package host

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestKernelRelease(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := KernelRelease(), strings.TrimSpace(string(text)); got != want {
		t.Errorf("KernelRelease = %q, want %q", got, want)
	}
}

func TestBootTime(t *testing.T) {
	before := SinceBoot()
	boot := BootTime()
	between := time.Since(boot)
	if after := SinceBoot(); before <= 0 || between < before || between > after+time.Millisecond {
		t.Errorf("%s since the time of boot, want between %s and %s", between, before, after)
	}
}
