package silence

import (
	"testing"
	"time"

	"bobwatch/internal/testenv"
)

// short is what runs each time; the others run with `make silence`.
var short = []string{
	"apache", "batch", "bind9", "gunicorn", "nginx", "postgresql", "redis", "rsyslog", "supervisor", "webrick",
}

func TestSilence(t *testing.T) {
	testenv.Root(t)
	for _, name := range []string{"containerd", "ctr", "runc", "mmdebstrap", "nsenter", "bash"} {
		testenv.Command(t, name)
	}
	results, err := Run(t.Context(), Options{Services: short, Window: 30 * time.Second, Parallel: len(short)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		for _, line := range r.Broken() {
			t.Errorf("%s: %s", r.Service, line)
		}
	}
}

// TestServices wants every service to be complete, also those that do not run
// each time.
func TestServices(t *testing.T) {
	all, err := load(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 30 {
		t.Errorf("got %d services, want at least 30", len(all))
	}
}
