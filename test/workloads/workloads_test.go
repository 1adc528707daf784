package workloads

import (
	"strings"
	"testing"

	"bobwatch/internal/testenv"
)

// TestWorkloads sees that each workload runs, answers and ends without anyone
// watching it, so that a failure elsewhere is not its fault.
func TestWorkloads(t *testing.T) {
	c := testenv.NewContainerd(t)
	for _, name := range []string{"mmdebstrap", "redis-benchmark", "nsenter"} {
		testenv.Command(t, name)
	}
	all, err := All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var images []testenv.Image
	for _, w := range all {
		images = append(images, w.Image)
	}
	if err := c.Import(t.Context(), images...); err != nil {
		t.Fatal(err)
	}
	for _, w := range all {
		t.Run(w.Name, func(t *testing.T) {
			k, err := Start(t.Context(), c, w, testenv.ContainerSpec{ID: w.Name})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Load(t.Context(), k, 0); err != nil {
				t.Error(err)
			}
			if w.Name == "webapp" {
				out, err := Ping(t.Context(), k, "127.0.0.1; id")
				if err != nil || !strings.Contains(out, "uid=33(www-data)") {
					t.Errorf("Ping() with an injected command = %q, %v; want its output", out, err)
				}
			}
			if err := k.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
