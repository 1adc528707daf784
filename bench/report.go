package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// A report is what a run found out, as it is written to the JSON file.
type report struct {
	Time     time.Time  `json:"time"`
	Kernel   string     `json:"kernel"`
	CPU      string     `json:"cpu"`
	CPUs     int        `json:"cpus"`
	Overhead []overhead `json:"overhead"`
}

// overhead is the cost of one act under one setup, in ns of CPU time.
type overhead struct {
	Setup  string  `json:"setup"`
	Place  string  `json:"place"`
	Act    string  `json:"act"`
	Ns     float64 `json:"ns"`      // 25th percentile over the slices
	Added  float64 `json:"addedNs"` // to the same with nothing attached
	Ratio  float64 `json:"ratio"`   // of what was added to what empty programs add
	Slices int     `json:"slices"`
}

// newReport takes the figures out of the samples, in the order of the setups.
func newReport(setups []setup, all samples) report {
	r := report{Time: time.Now(), Kernel: kernelRelease(), CPU: cpuModel(), CPUs: runtime.NumCPU()}
	for a := range nActs {
		for _, s := range setups {
			for _, place := range s.places {
				r.Overhead = append(r.Overhead, newOverhead(cell{s.name, place, a}, all))
			}
		}
	}
	return r
}

// newOverhead compares a cell with nothing and with empty programs in the same
// kind of place: the host, or a cgroup.
func newOverhead(c cell, all samples) overhead {
	place := containerPlace
	if c.place == hostPlace {
		place = hostPlace
	}
	nothing := quartile(all[cell{nothingSetup, place, c.act}])
	floor := quartile(all[cell{emptySetup, place, c.act}]) - nothing
	ns := quartile(all[c])
	return overhead{
		Setup: c.setup, Place: c.place, Act: c.act.String(),
		Ns: ns, Added: ns - nothing, Ratio: (ns - nothing) / floor, Slices: len(all[c]),
	}
}

// print writes the report for a reader.
func (r *report) print(w io.Writer) error {
	fmt.Fprintf(w, "Linux %s, %d x %s\n\n", r.Kernel, r.CPUs, r.CPU)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "act\tattached\twhere\tns\tadded\tx empty\tslices\t")
	for _, o := range r.Overhead {
		fmt.Fprintf(t, "%s\t%s\t%s\t%.1f\t%+.1f\t%.2f\t%d\t\n",
			o.Act, o.Setup, o.Place, o.Ns, o.Added, o.Ratio, o.Slices)
	}
	return t.Flush()
}

// save writes the report as JSON.
func (r *report) save(file string) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

func kernelRelease() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(name.Release[:])
}

func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(info)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
