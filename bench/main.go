// Command bench measures what bobwatch costs, as `make bench` runs it:
//
//   - the CPU time that it adds to a system call and to an open, beside empty
//     programs on the very same hooks and beside other ways to do its work.
//
// It prints a table and writes the same as JSON. It needs root. See
// docs/benchmarks.md for the method.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Roles of children.
const (
	workerRole = "worker"
	actorRole  = "actor"
)

// Setups that the report compares with one another.
const (
	nothingSetup  = "nothing"
	emptySetup    = "empty programs"
	bobwatchSetup = "bobwatch"
)

func main() {
	serve()
	file := flag.String("json", "bin/bench.json", "`file` to write the report to")
	limit := flag.Duration("time", 2*time.Minute, "`time` to spend on system calls and opens")
	flag.Parse()
	exit("bench", bench(*file, *limit))
}

// serve plays the role that the first argument names and exits, if it does.
func serve() {
	if len(os.Args) < 2 {
		return
	}
	switch os.Args[1] {
	case workerRole:
		exit("bench worker", runWorker(os.Stdin, os.Stdout))
	case actorRole:
		exit("bench actor", runActor(os.Stdin, os.Stdout))
	}
}

func exit(name string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// bench prints and saves what could be measured, also if something could not.
func bench(file string, limit time.Duration) error {
	setups := newSetups()
	measured, err := measure(setups, limit)
	if err != nil {
		return err
	}
	r := newReport(setups, measured)
	err = r.measureRest(measured.root)
	return errors.Join(r.print(os.Stdout), r.save(file), err)
}

// measureRest measures what needs no interleaving.
func (r *report) measureRest(root string) (err error) {
	for _, place := range []string{learningPlace, guardedPlace} {
		if r.RecordsPerMillion[place], err = countRecords(root, place); err != nil {
			return err
		}
	}
	if r.Latency, err = measureLatency(root); err != nil {
		return err
	}
	r.Memory, err = measureMemory(root)
	return err
}

func newSetups() []setup {
	places := []string{hostPlace, containerPlace}
	setups := []setup{
		{name: nothingSetup, places: places, attach: func() (io.Closer, error) { return attached{}, nil }},
		{name: emptySetup, places: places, attach: func() (io.Closer, error) { return attachEmpty() }},
		{
			name:   bobwatchSetup,
			places: []string{hostPlace, learningPlace, guardedPlace},
			attach: func() (io.Closer, error) { return startWatch() },
			settle: func(w io.Closer, place string, c *cgroup) error { return w.(*watch).settle(place, c) },
		},
		{name: "hash of counts", places: places, attach: func() (io.Closer, error) { return attachPeer() }},
	}
	if _, err := exec.LookPath("bpftrace"); err == nil {
		setups = append(setups, setup{
			name: "bpftrace count", places: places, attach: func() (io.Closer, error) { return startBpftrace() },
		})
	}
	return setups
}
