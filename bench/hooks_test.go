package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
)

// TestHooks sees that the bench's empty programs sit on the sensor's hooks, all
// of them and no others.
func TestHooks(t *testing.T) {
	objects, err := filepath.Glob("../internal/sensor/bpf_x86_bpfel.o")
	if err != nil || len(objects) != 1 {
		t.Fatalf("found %d sensor objects: %v", len(objects), err)
	}
	spec, err := ebpf.LoadCollectionSpec(objects[0])
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, prog := range spec.Programs {
		if hook, ok := strings.CutPrefix(prog.SectionName, "tp_btf/"); ok {
			got = append(got, hook)
		} else if prog.Type != ebpf.TracePoint && !onDemand(prog) && !inPlaceOfExits(prog) {
			t.Errorf("program %s is of type %s, which the bench does not know", prog.Name, prog.Type)
		}
	}
	slices.Sort(got)
	want := slices.Sorted(slices.Values(tracedHooks))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tracedHooks differ from the sensor's (-bench +sensor):\n%s", diff)
	}
}

// inPlaceOfExits reports whether the program does the work of those on the exits
// of opens, where the kernel takes it. The bench compares with those.
func inPlaceOfExits(prog *ebpf.ProgramSpec) bool {
	return prog.SectionName == "fexit/do_filp_open"
}

// onDemand reports whether the agent runs the program itself, on no hook.
func onDemand(prog *ebpf.ProgramSpec) bool {
	return strings.HasPrefix(prog.SectionName, "iter/") || prog.SectionName == "raw_tp"
}
