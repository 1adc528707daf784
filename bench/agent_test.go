package main

import (
	"testing"

	"bobwatch/internal/testenv"
)

// TestLatency sees that every act leads to an alert line that the bench
// recognises. How soon is measured, not asserted.
func TestLatency(t *testing.T) {
	l, err := measureLatency(testRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", l)
	if l.Missed != 0 || l.P50 <= 0 || l.P50 > l.P99 || l.P99 > l.Max {
		t.Errorf("measured %+v", l)
	}
}

func TestMemory(t *testing.T) {
	m, err := measureMemory(testRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", m)
	if m.Anonymous <= 0 || m.RSS <= m.Anonymous {
		t.Errorf("measured %+v", m)
	}
}

// TestRecords sees that known acts cause no records, in either state.
func TestRecords(t *testing.T) {
	root := testRoot(t)
	for _, place := range []string{learningPlace, guardedPlace} {
		t.Run(place, func(t *testing.T) {
			got, err := countRecords(root, place)
			if err != nil {
				t.Fatal(err)
			}
			if got != 0 {
				t.Errorf("%g records per million known acts, want none", got)
			}
		})
	}
}

// testRoot returns the root of the v2 hierarchy, in which the test makes cgroups.
func testRoot(t *testing.T) string {
	t.Helper()
	testenv.Root(t)
	root, err := cgroupRoot()
	if err != nil {
		testenv.Skip(t, "%v", err)
	}
	return root
}
