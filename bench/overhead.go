package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

// A setup is one thing in the kernel, or nothing, whose cost is measured.
type setup struct {
	name string
	// places are where workers run: cgroups of their own, or hostPlace.
	places []string
	// attach puts it into the kernel until it is closed.
	attach func() (io.Closer, error)
	// settle brings a worker's cgroup into the state that its place names. It
	// is called once the worker has done every act. It may be nil.
	settle func(attached io.Closer, place string, c *cgroup) error
}

// Places of workers.
const (
	hostPlace      = "host" // outside of any watched cgroup
	containerPlace = "container"
	learningPlace  = "learning"
	guardedPlace   = "guarded"
)

// A cell names what was measured.
type cell struct {
	setup string
	place string
	act   act
}

// samples are ns of CPU time per act, one for every slice.
type samples map[cell][]float64

// slicesPerTurn is how many slices of each act a worker does before the next
// setup takes its turn.
const slicesPerTurn = 3

// A run is one interleaved measurement of all setups.
type run struct {
	root     string   // of the v2 hierarchy
	resident programs // of others, loaded before and throughout
	samples  samples
	turns    int
	void     int    // turns that were not counted
	voidBy   string // the last program that made a turn void
}

// measure gives every setup a turn, in an order that changes from round to
// round, until the time is over. What disturbs the machine for a while thereby
// disturbs all of them.
func measure(setups []setup, limit time.Duration) (*run, error) {
	root, err := cgroupRoot()
	if err != nil {
		return nil, err
	}
	resident, err := tracingPrograms()
	if err != nil {
		return nil, err
	}
	r := &run{root: root, resident: resident, samples: samples{}}
	for end := time.Now().Add(limit); time.Now().Before(end); {
		for _, i := range rand.Perm(len(setups)) {
			if err := r.turn(setups[i]); err != nil {
				return nil, fmt.Errorf("measure %s: %w", setups[i].name, err)
			}
		}
	}
	return r, r.check(setups)
}

// turn measures one setup, unless somebody else's program would be measured
// with it.
func (r *run) turn(s setup) error {
	r.turns++
	other, err := waitAlone(r.resident)
	if err != nil {
		return err
	}
	got := samples{}
	if other == "" {
		if other, err = r.measureTurn(s, got); err != nil {
			return err
		}
	}
	if other != "" {
		r.void++
		r.voidBy = other
		return nil
	}
	for c, values := range got {
		r.samples[c] = append(r.samples[c], values...)
	}
	return nil
}

// check says whether every setup had turns that count.
func (r *run) check(setups []setup) error {
	for _, s := range setups {
		if len(r.samples[cell{s.name, s.places[0], getppid}]) == 0 {
			return fmt.Errorf("measure %s: no turn counts: there was always another program loaded, such as %q",
				s.name, r.voidBy)
		}
	}
	return nil
}

// measureTurn lets workers run under one setup. Their cgroups are made after the
// setup was attached: they are watched from birth. It returns the name of a
// program that was loaded meanwhile.
func (r *run) measureTurn(s setup, got samples) (other string, err error) {
	inKernel, err := s.attach()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, inKernel.Close()) }()
	before, err := tracingPrograms()
	if err != nil {
		return "", err
	}

	workers := make(map[string]worker)
	for _, place := range s.places {
		w, err := startWorker(r.root, place)
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, w.stop()) }()
		workers[place] = w
		if err := s.prepare(inKernel, place, w); err != nil {
			return "", err
		}
	}
	for _, c := range s.cells() {
		ns, err := workers[c.place].do(c.act)
		if err != nil {
			return "", err
		}
		got[c] = append(got[c], ns)
	}
	after, err := tracingPrograms()
	return after.others(before), err
}

// prepare has the worker do every act, in the state that its place names.
func (s *setup) prepare(inKernel io.Closer, place string, w worker) error {
	if s.settle != nil && w.cgroup != nil {
		if err := w.warmUp(); err != nil {
			return err
		}
		if err := s.settle(inKernel, place, w.cgroup); err != nil {
			return err
		}
	}
	return w.warmUp()
}

// cells returns the slices of a turn, shuffled.
func (s *setup) cells() []cell {
	var cells []cell
	for range slicesPerTurn {
		for _, place := range s.places {
			for a := range nActs {
				cells = append(cells, cell{s.name, place, a})
			}
		}
	}
	rand.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	return cells
}

// quartile returns the 25th percentile: what an act costs when little else
// disturbs it, and not the luckiest slice.
func quartile(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/4]
}
