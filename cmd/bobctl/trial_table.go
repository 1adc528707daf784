package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"bobwatch/internal/report"
	"bobwatch/internal/severity"
)

// table writes a report for people who read it in a terminal. Its texts are
// printable already.
func (o *trialOptions) table(r *report.Report) {
	t, out := o.terminal, o.terminal.out
	colour := map[report.Verdict]string{report.Passed: green, report.Deviated: red, report.Inconclusive: yellow}[r.Verdict]
	fmt.Fprintf(out, "%s  %s\n", t.colour(colour, strings.ToUpper(string(r.Verdict))), r.Summary)
	fmt.Fprintf(out, "%s for %s\n", subjectOfReport(r), r.Duration().Round(time.Second))
	for _, caveat := range r.Caveats {
		fmt.Fprintf(out, "%s %s\n", t.colour(yellow, "!"), caveat)
	}
	for _, g := range r.Groups {
		fmt.Fprintf(out, "\n%s\n  %s\n", t.colour(bold, g.Title), t.colour(dim, g.Explanation))
		for i := range g.Deviations {
			o.deviation(&g.Deviations[i])
		}
	}
	for i := range r.Containers {
		o.usage(&r.Containers[i])
	}
	if o.patch != "" && r.Patch != nil {
		fmt.Fprintf(out, "\nwrote %s: read it, and test again with it: --baseline %s\n", o.patch, o.patch)
	}
}

func subjectOfReport(r *report.Report) string {
	name := strings.Trim(r.Workload.Namespace+"/"+r.Workload.Kind+"/"+r.Workload.Name, "/")
	return strings.TrimSpace(fmt.Sprintf("%s held to %s %s", cmp.Or(name, "What was watched"), r.Document.Name, r.Document.Version))
}

var severityColours = map[severity.Severity]string{
	severity.Critical: red, severity.High: red, severity.Medium: yellow, severity.Low: dim,
}

// deviation writes one deviation: a remark in a line, others explained.
func (o *trialOptions) deviation(d *report.Deviation) {
	t, out := o.terminal, o.terminal.out
	line := fmt.Sprintf("  %s %s", t.colour(severityColours[d.Severity], fmt.Sprintf("%-8s", d.Severity)), d.Act)
	if d.Platform != "" {
		line += " (" + d.Platform + ")"
	}
	if d.Count > 1 {
		line += fmt.Sprintf(", %d times", d.Count)
	}
	if d.Severity == severity.Low && len(d.Actors) == 1 {
		line += t.colour(dim, " by "+d.Actors[0].String())
	}
	fmt.Fprintln(out, line)
	if d.Severity == severity.Low {
		return
	}
	fmt.Fprintf(out, "           %s\n", d.Explanation)
	for i := range d.Actors {
		fmt.Fprintf(out, "           by %s\n", d.Actors[i].String())
	}
	switch {
	case d.Allow != "":
		fmt.Fprintf(out, "           %s\n", t.colour(dim, d.Allow))
	case d.Unallowable:
		fmt.Fprintln(out, "           No document can allow it.")
	}
}

// shownUnused is how many entries of each container the table shows that were
// never used.
const shownUnused = 10

func (o *trialOptions) usage(c *report.Container) {
	t, out := o.terminal, o.terminal.out
	fmt.Fprintf(out, "\n%s\n ", t.colour(bold, "container "+cmp.Or(c.Name, "(any)")))
	for _, s := range []report.Section{report.Syscalls, report.Execs, report.Opens} {
		fmt.Fprintf(out, " %s %d of %d", s, c.Usage[s].Used, c.Usage[s].Listed)
	}
	fmt.Fprintln(out, " made use of")
	for i, u := range c.Unused {
		if i == shownUnused {
			fmt.Fprintf(out, "  %s\n", t.colour(dim, fmt.Sprintf("and %d more: -o json or --html", len(c.Unused)-i)))
			break
		}
		fmt.Fprintf(out, "  never: %s %s\n", u.Section, u.Text)
	}
	if len(c.Equivalent) > 0 {
		fmt.Fprintf(out, "  the same by another name: %s\n", strings.Join(c.Equivalent, ", "))
	}
}
