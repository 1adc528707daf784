package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
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

// slicesPerBlock is how many slices of each act a worker does before the next
// setup takes its turn.
const slicesPerBlock = 3

// measure gives every setup a turn, in an order that changes from round to
// round, until the time is over. What disturbs the machine for a while thereby
// disturbs all of them.
func measure(setups []setup, limit time.Duration) (samples, error) {
	root, err := cgroupRoot()
	if err != nil {
		return nil, err
	}
	all := samples{}
	for end := time.Now().Add(limit); time.Now().Before(end); {
		for _, i := range rand.Perm(len(setups)) {
			if err := measureBlock(setups[i], root, all); err != nil {
				return nil, fmt.Errorf("measure %s: %w", setups[i].name, err)
			}
		}
	}
	return all, nil
}

// measureBlock lets workers run under one setup. Its cgroups are made after the
// setup was attached: they are watched from birth.
func measureBlock(s setup, root string, all samples) (err error) {
	inKernel, err := s.attach()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inKernel.Close()) }()

	workers := make(map[string]*worker)
	for _, place := range s.places {
		w, err := placeWorker(root, place)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, w.stop()) }()
		workers[place] = w
		if err := warmUp(w); err != nil {
			return err
		}
		if s.settle != nil && w.cgroup != nil {
			if err := s.settle(inKernel, place, w.cgroup); err != nil {
				return err
			}
		}
		if err := warmUp(w); err != nil {
			return err
		}
	}

	turns := make([]cell, 0, len(s.places)*int(nActs)*slicesPerBlock)
	for range slicesPerBlock {
		for _, place := range s.places {
			for a := range nActs {
				turns = append(turns, cell{s.name, place, a})
			}
		}
	}
	rand.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	for _, turn := range turns {
		ns, err := workers[turn.place].do(turn.act)
		if err != nil {
			return err
		}
		all[turn] = append(all[turn], ns)
	}
	return nil
}

func placeWorker(root, place string) (*worker, error) {
	if place == hostPlace {
		return startWorker(nil)
	}
	c, err := makeCgroup(root, fmt.Sprintf("bobwatch-bench-%s-%d", place, os.Getpid()))
	if err != nil {
		return nil, err
	}
	w, err := startWorker(c)
	if err != nil {
		return nil, errors.Join(err, c.remove())
	}
	return w, nil
}

func warmUp(w *worker) error {
	for a := range nActs {
		if _, err := w.do(a); err != nil {
			return err
		}
	}
	return nil
}

// quartile returns the 25th percentile: what an act costs when little else
// disturbs it, and not the luckiest slice.
func quartile(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/4]
}
