package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"bobwatch/internal/host"
)

// A report is what a run found out, as it is written to the JSON file.
type report struct {
	Time     time.Time  `json:"time"`
	Kernel   string     `json:"kernel"`
	CPU      string     `json:"cpu"`
	CPUs     int        `json:"cpus"`
	Resident []string   `json:"residentPrograms"` // of others, attached to something throughout
	Turns    int        `json:"turns"`
	Void     int        `json:"voidTurns"` // other programs came or went meanwhile
	Overhead []overhead `json:"overhead"`
	// RecordsPerMillion is how many records a million known acts cause, by state.
	RecordsPerMillion map[string]float64 `json:"recordsPerMillion"`
	Latency           latency            `json:"latency"`
	Memory            memory             `json:"memory"`
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
func newReport(setups []setup, measured *run) report {
	r := report{
		Time: time.Now(), Kernel: host.KernelRelease(), CPU: cpuModel(), CPUs: runtime.NumCPU(),
		Resident: slices.Sorted(maps.Values(measured.resident)),
		Turns:    measured.turns, Void: measured.void,
		RecordsPerMillion: map[string]float64{},
	}
	for a := range nActs {
		for _, s := range setups {
			for _, place := range s.places {
				r.Overhead = append(r.Overhead, newOverhead(cell{s.name, place, a}, measured.samples))
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
	fmt.Fprintf(w, "Linux %s, %d x %s\n", r.Kernel, r.CPUs, r.CPU)
	fmt.Fprintf(w, "%d turns, and %d that were void because others loaded BPF programs meanwhile\n",
		r.Turns-r.Void, r.Void)
	if len(r.Resident) > 0 {
		fmt.Fprintf(w, "every figure may include what these do, which others had loaded before: %s\n",
			strings.Join(r.Resident, ", "))
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "act\tattached\twhere\tns\tadded\tx empty\tslices\t")
	for _, o := range r.Overhead {
		fmt.Fprintf(t, "%s\t%s\t%s\t%.1f\t%+.1f\t%.2f\t%d\t\n",
			o.Act, o.Setup, o.Place, o.Ns, o.Added, o.Ratio, o.Slices)
	}
	fmt.Fprintln(t, "\t\t\t\t\t\t\t")
	fmt.Fprintln(t, "figure\tmeasured\ttarget\t\t")
	for _, f := range r.figures() {
		verdict := "met"
		if f.value > f.limit {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "%s\t%.2f\t%g\t%s\t\n", f.name, f.value, f.limit, verdict)
	}
	return t.Flush()
}

// A figure is held against the most that it may be.
type figure struct {
	name         string
	value, limit float64
}

// figures are those that were measured.
func (r *report) figures() []figure {
	var figures []figure
	for _, o := range r.Overhead {
		if o.Setup != bobwatchSetup || o.Place == hostPlace {
			continue
		}
		limit := map[string]float64{getppid.String(): 1.2, open.String(): 2.2}[o.Act]
		figures = append(figures, figure{o.Act + " x empty, " + o.Place, o.Ratio, limit})
		if o.Act == getppid.String() {
			figures = append(figures, figure{o.Act + " added ns, " + o.Place, o.Added, 45})
		}
	}
	for _, place := range []string{learningPlace, guardedPlace} {
		if records, ok := r.RecordsPerMillion[place]; ok {
			figures = append(figures, figure{"records per million, " + place, records, 0})
		}
	}
	if r.Latency.Acts > 0 {
		figures = append(figures,
			figure{"ms to alert, p50", r.Latency.P50, 1},
			figure{"ms to alert, p99", r.Latency.P99, 10},
			figure{"acts without alert", float64(r.Latency.Missed), 0})
	}
	if r.Memory.Containers > 0 {
		figures = append(figures,
			figure{fmt.Sprintf("MiB with %d containers", r.Memory.Containers), r.Memory.RSS, 40})
	}
	return figures
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
