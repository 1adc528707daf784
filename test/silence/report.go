package silence

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"bobwatch/internal/severity"
)

// Bar is how many unexpected alerts a phase may raise.
type Bar struct {
	Alerts  int
	Highest severity.Severity
}

// Bars are the promises that docs/silence.md makes.
var Bars = map[Phase]Bar{Same: {Alerts: 0}, Changed: {Alerts: 1, Highest: severity.Low}}

// Broken lists what a result does not keep of Bars.
func (r *Result) Broken() []string {
	var broken []string
	if r.Err != nil {
		broken = append(broken, r.Err.Error())
	}
	for phase, bar := range Bars {
		n := 0
		for _, a := range r.Alerts {
			if a.Phase != phase || a.Expected {
				continue
			}
			if n++; n > bar.Alerts || a.Severity > bar.Highest {
				broken = append(broken, fmt.Sprintf("%s: %s %s %s", phase, a.Severity, a.Rule, a.Message))
			}
		}
	}
	slices.Sort(broken)
	return broken
}

// Write prints a table of the alerts by service and phase, and one by rule,
// followed by the alerts themselves.
func Write(w io.Writer, results []Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "service\tsame\tchanged\tof them expected\thighest\t")
	total := map[Phase]int{}
	rules := map[string]int{}
	silent := 0
	for _, r := range results {
		count := map[Phase]int{}
		expected, highest := 0, ""
		worst := severity.Severity(0)
		for _, a := range r.Alerts {
			count[a.Phase]++
			total[a.Phase]++
			rules[fmt.Sprintf("%s %s", a.Rule, a.Severity)]++
			if a.Expected {
				expected++
			}
			if highest == "" || a.Severity > worst {
				worst, highest = a.Severity, a.Severity.String()
			}
		}
		if len(r.Alerts) == 0 && r.Err == nil {
			silent++
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t\n", r.Service, count[Same], count[Changed], expected, highest)
	}
	fmt.Fprintf(table, "all\t%d\t%d\t\t\t\n", total[Same], total[Changed])
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d of %d services were silent throughout.\n\n", silent, len(results))
	for _, rule := range slices.SortedFunc(maps.Keys(rules), func(a, b string) int { return cmp.Compare(rules[b], rules[a]) }) {
		fmt.Fprintf(w, "%5d %s\n", rules[rule], rule)
	}
	return writeAlerts(w, results)
}

func writeAlerts(w io.Writer, results []Result) error {
	for _, r := range results {
		if len(r.Alerts) == 0 && r.Err == nil {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", r.Service)
		for _, a := range r.Alerts {
			note := ""
			if a.Expected {
				note = " (expected)"
			}
			fmt.Fprintf(w, "  %-7s %-8s %s %s%s\n", a.Phase, strings.ToUpper(a.Severity.String()), a.Rule, a.Message, note)
		}
		if r.Err != nil {
			fmt.Fprintf(w, "  failed: %v\n", r.Err)
		}
	}
	return nil
}
