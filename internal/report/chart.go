package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"bobwatch/internal/severity"
)

// bar is one line of the chart of usage. Its parts are in percent of the
// chart's width, one after another.
type bar struct {
	Label                     string
	Usage                     Usage
	Unused                    int
	UsedX, UnusedX, DeviantX  string
	UsedWidth, UnusedWidth    string
	DeviantWidth, Description string
}

// bars draws how much of the document was used, by kind of act, over all
// containers. All bars are as long as their numbers, on one scale for each.
func (r *Report) bars() []bar {
	labels := map[Section]string{Syscalls: "System calls", Execs: "Programs", Opens: "Files"}
	var all []bar
	for _, section := range sections {
		var sum Usage
		for _, c := range r.Containers {
			u := c.Usage[section]
			sum.Listed, sum.Used, sum.Deviations = sum.Listed+u.Listed, sum.Used+u.Used, sum.Deviations+u.Deviations
		}
		total := sum.Listed + sum.Deviations
		if total == 0 {
			continue
		}
		percent := func(n int) string { return fmt.Sprintf("%.2f%%", 100*float64(n)/float64(total)) }
		all = append(all, bar{
			Label: labels[section], Usage: sum, Unused: sum.Listed - sum.Used,
			UsedX: "0%", UsedWidth: percent(sum.Used),
			UnusedX: percent(sum.Used), UnusedWidth: percent(sum.Listed - sum.Used),
			DeviantX: percent(sum.Listed), DeviantWidth: percent(sum.Deviations),
			Description: fmt.Sprintf("%s: %d of %d used, %d unexpected", labels[section], sum.Used, sum.Listed, sum.Deviations),
		})
	}
	return all
}

// slice is a part of the ring of severities. Lengths are in percent of the
// ring, which starts at the top.
type slice struct {
	Name   string
	Count  int
	Length string
	Gap    string // the rest of the ring
	Offset string
}

// ring draws how grave the deviations are, the worst first.
func (r *Report) ring() []slice {
	var counts [severity.Critical + 1]int
	total := 0
	for _, d := range r.Deviations() {
		counts[d.Severity]++
		total++
	}
	var all []slice
	before := 0.0
	for s := int(severity.Critical); s >= 0; s-- {
		n := counts[s]
		if n == 0 {
			continue
		}
		length := 100 * float64(n) / float64(total)
		all = append(all, slice{
			Name:   severity.Severity(s).String(),
			Count:  n,
			Length: fmt.Sprintf("%.3f", length),
			Gap:    fmt.Sprintf("%.3f", 100-length),
			Offset: fmt.Sprintf("%.3f", 25-before), // dashes start at three o'clock
		})
		before += length
	}
	return all
}

// timeline is the curve of acts seen for the first time, with a mark for each deviation,
// in units of its view box.
type timeline struct {
	Width, Height, Base float64
	Line, Area          string // SVG paths
	Marks               []mark
	Ticks               []tick
	Total               int
	Settled             string // for how long there was nothing new at the end
}

type mark struct {
	X, Y     float64
	Severity string
	Text     string
}

type tick struct {
	X      float64
	Label  string
	Anchor string
}

// The view box of the timeline.
const (
	timelineWidth  = 720.0
	timelineHeight = 190.0
	timelineBase   = 160.0 // of the axis
	timelineTop    = 16.0
)

// timeline returns nil if no times are known.
func (r *Report) timeline() *timeline {
	times := r.timesWithin(r.News)
	t := &timeline{Width: timelineWidth, Height: timelineHeight, Base: timelineBase, Total: len(times)}
	height := func(n int) float64 {
		if len(times) == 0 {
			return timelineBase
		}
		return timelineBase - (timelineBase-timelineTop)*float64(n)/float64(len(times))
	}
	t.curve(r, times, height)
	for _, d := range slices.Backward(r.bySeverity()) { // the worst on top
		if d.First.IsZero() {
			continue
		}
		n, _ := slices.BinarySearchFunc(times, d.First.Add(time.Nanosecond), time.Time.Compare)
		t.Marks = append(t.Marks, mark{X: r.x(d.First), Y: height(n), Severity: d.Severity.String(), Text: d.Act})
	}
	if len(times) == 0 && len(t.Marks) == 0 || r.Duration() <= 0 {
		return nil
	}
	for _, at := range []struct {
		part   float64
		anchor string
	}{{0, "start"}, {0.25, "middle"}, {0.5, "middle"}, {0.75, "middle"}, {1, "end"}} {
		d := time.Duration(at.part * float64(r.Duration()))
		t.Ticks = append(t.Ticks, tick{X: at.part * timelineWidth, Label: brief(d), Anchor: at.anchor})
	}
	return t
}

// curve draws the steps, and says since when there were none.
func (t *timeline) curve(r *Report, times []time.Time, height func(int) float64) {
	if len(times) == 0 {
		return
	}
	var line strings.Builder
	fmt.Fprintf(&line, "M0 %.1f", timelineBase)
	for i, at := range times {
		fmt.Fprintf(&line, "H%.1fV%.1f", r.x(at), height(i+1))
	}
	fmt.Fprintf(&line, "H%.1f", timelineWidth)
	t.Line = line.String()
	t.Area = t.Line + fmt.Sprintf("V%.1fH0Z", timelineBase)
	t.Settled = brief(r.End.Sub(times[len(times)-1]))
}

// bySeverity returns the deviations, the worst first.
func (r *Report) bySeverity() []Deviation {
	all := r.Deviations()
	slices.SortStableFunc(all, func(a, b Deviation) int { return cmp.Compare(b.Severity, a.Severity) })
	return all
}

// timesWithin returns the times in order, those outside of the time under
// watch at its ends.
func (r *Report) timesWithin(times []time.Time) []time.Time {
	within := slices.Clone(times)
	for i, at := range within {
		if at.Before(r.Start) {
			within[i] = r.Start // what was seen before the watch began to count
		}
		if at.After(r.End) {
			within[i] = r.End
		}
	}
	slices.SortFunc(within, time.Time.Compare)
	return within
}

// x returns the place of a time on the axis.
func (r *Report) x(at time.Time) float64 {
	if r.Duration() <= 0 {
		return 0
	}
	part := float64(at.Sub(r.Start)) / float64(r.Duration())
	return float64(int(10*timelineWidth*min(max(part, 0), 1))) / 10
}

// brief writes a duration as 1m30s, or 1.5s if it is short.
func brief(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
