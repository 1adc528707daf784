package main

import (
	"math"
	"testing"
)

func TestQuartile(t *testing.T) {
	tests := map[string]struct {
		values []float64
		want   float64
	}{
		"one":      {values: []float64{7}, want: 7},
		"unsorted": {values: []float64{8, 1, 7, 2, 6, 3, 5, 4}, want: 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := quartile(tt.values); got != tt.want {
				t.Errorf("quartile(%v) = %g, want %g", tt.values, got, tt.want)
			}
		})
	}
}

// TestNewOverhead sees that a cgroup is compared with a cgroup and the host
// with the host.
func TestNewOverhead(t *testing.T) {
	all := samples{
		{nothingSetup, hostPlace, open}:      {500},
		{nothingSetup, containerPlace, open}: {600},
		{emptySetup, hostPlace, open}:        {510},
		{emptySetup, containerPlace, open}:   {700},
		{"it", hostPlace, open}:              {520},
		{"it", guardedPlace, open}:           {850},
	}
	tests := map[string]struct{ added, ratio float64 }{
		hostPlace:    {added: 20, ratio: 2},
		guardedPlace: {added: 250, ratio: 2.5},
	}
	for place, tt := range tests {
		t.Run(place, func(t *testing.T) {
			got := newOverhead(cell{"it", place, open}, all)
			if got.Added != tt.added || got.Ratio != tt.ratio {
				t.Errorf("added %g, ratio %g, want %g, %g", got.Added, got.Ratio, tt.added, tt.ratio)
			}
		})
	}
}

// TestSetups lets every setup have one turn in the kernel.
func TestSetups(t *testing.T) {
	root := testRoot(t)
	for _, s := range newSetups() {
		t.Run(s.name, func(t *testing.T) {
			all := samples{}
			r := run{root: root}
			if _, err := r.measureTurn(s, all); err != nil {
				t.Fatal(err)
			}
			for _, place := range s.places {
				for a := range nActs {
					got := all[cell{s.name, place, a}]
					if len(got) != slicesPerTurn {
						t.Fatalf("%s, %s: %d slices, want %d", place, a, len(got), slicesPerTurn)
					}
					for _, ns := range got {
						if ns <= 0 || math.IsInf(ns, 0) {
							t.Errorf("%s, %s: %g ns", place, a, ns)
						}
					}
				}
			}
		})
	}
}

func TestMain(m *testing.M) {
	serve() // workers are this program once more
	m.Run()
}
