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

// excess is how many alerts beyond Bars a service may raise, for a reason that
// docs/silence.md gives. It may only shrink.
var excess = map[string]int{
	"apache":     2,  // a script that nobody asked for before
	"gunicorn":   12, // a first upload that is kept in a file
	"webrick":    12, // a first temporary file
	"postgresql": 10, // a crash before the data directory was written much
	"rsyslog":    8,  // a first connection to a port that it listened on
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
		if r.Err != nil {
			t.Errorf("%s: %v", r.Service, r.Err)
		}
		broken := r.Broken()
		if len(broken) <= excess[r.Service] {
			continue
		}
		t.Errorf("%s: got %d alerts beyond the bar, want at most %d", r.Service, len(broken), excess[r.Service])
		for _, line := range broken {
			t.Log(line)
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
