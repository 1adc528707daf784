package trial

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"bobwatch/internal/report"
	"bobwatch/internal/severity"
	"bobwatch/internal/term"
)

// WriteReport writes a report for people who read it in a terminal. Its texts are
// printable already. patch is the file with the allowance, if one was asked for.
func WriteReport(t *term.Terminal, r *report.Report, patch string) {
	out := t.Out
	colour := map[report.Verdict]string{report.Passed: term.Green, report.Deviated: term.Red, report.Inconclusive: term.Yellow}[r.Verdict]
	fmt.Fprintf(out, "%s  %s\n", t.Colour(colour, strings.ToUpper(string(r.Verdict))), r.Summary)
	fmt.Fprintf(out, "%s for %s\n", subjectOfReport(r), r.Duration().Round(time.Second))
	for _, caveat := range r.Caveats {
		fmt.Fprintf(out, "%s %s\n", t.Colour(term.Yellow, "!"), caveat)
	}
	for _, g := range r.Groups {
		fmt.Fprintf(out, "\n%s\n  %s\n", t.Colour(term.Bold, g.Title), t.Colour(term.Dim, g.Explanation))
		for i := range g.Deviations {
			writeDeviation(t, &g.Deviations[i])
		}
	}
	for i := range r.Containers {
		writeUsage(t, &r.Containers[i])
	}
	if patch != "" && r.Patch != nil {
		fmt.Fprintf(out, "\nwrote %s: read it, and test again with it: --baseline %s\n", patch, patch)
	}
}

func subjectOfReport(r *report.Report) string {
	name := strings.Trim(r.Workload.Namespace+"/"+r.Workload.Kind+"/"+r.Workload.Name, "/")
	return strings.TrimSpace(fmt.Sprintf("%s held to %s %s", cmp.Or(name, "What was watched"), r.Document.Name, r.Document.Version))
}

var severityColours = map[severity.Severity]string{
	severity.Critical: term.Red, severity.High: term.Red, severity.Medium: term.Yellow, severity.Low: term.Dim,
}

// writeDeviation writes one deviation: a remark in a line, others explained.
func writeDeviation(t *term.Terminal, d *report.Deviation) {
	out := t.Out
	line := fmt.Sprintf("  %s %s", t.Colour(severityColours[d.Severity], fmt.Sprintf("%-8s", d.Severity)), d.Act)
	if d.Platform != "" {
		line += " (" + d.Platform + ")"
	}
	if d.Count > 1 {
		line += fmt.Sprintf(", %d times", d.Count)
	}
	if d.Severity == severity.Low && len(d.Actors) == 1 {
		line += t.Colour(term.Dim, " by "+d.Actors[0].String())
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
		fmt.Fprintf(out, "           %s\n", t.Colour(term.Dim, d.Allow))
	case d.Unallowable:
		fmt.Fprintln(out, "           No document can allow it.")
	}
}

// shownUnused is how many entries of each container the table shows that were
// never used.
const shownUnused = 10

func writeUsage(t *term.Terminal, c *report.Container) {
	out := t.Out
	fmt.Fprintf(out, "\n%s\n ", t.Colour(term.Bold, "container "+cmp.Or(c.Name, "(any)")))
	for _, s := range []report.Section{report.Syscalls, report.Execs, report.Opens} {
		fmt.Fprintf(out, " %s %d of %d", s, c.Usage[s].Used, c.Usage[s].Listed)
	}
	fmt.Fprintln(out, " made use of")
	for i, u := range c.Unused {
		if i == shownUnused {
			fmt.Fprintf(out, "  %s\n", t.Colour(term.Dim, fmt.Sprintf("and %d more: -o json or --html", len(c.Unused)-i)))
			break
		}
		fmt.Fprintf(out, "  never: %s %s\n", u.Section, u.Text)
	}
	if len(c.Equivalent) > 0 {
		fmt.Fprintf(out, "  the same by another name: %s\n", strings.Join(c.Equivalent, ", "))
	}
}
