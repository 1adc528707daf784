// Command metricsdoc writes the reference of the agent's metrics, from the
// code that makes them.
package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"bobwatch/internal/agent"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: metricsdoc FILE")
		os.Exit(2)
	}
	text, err := reference()
	if err == nil {
		err = os.WriteFile(os.Args[1], text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "metricsdoc:", err)
		os.Exit(1)
	}
}

// reference is docs/metrics.md.
func reference() ([]byte, error) {
	families, err := agent.Metrics()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(preface)
	for _, f := range families {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()),
			labels(f), strings.ReplaceAll(f.GetHelp(), "|", `\|`))
	}
	b.WriteString(epilogue)
	return b.Bytes(), nil
}

// open are the labels whose values depend on the machine or the configuration.
var open = []string{"hook", "program", "sink", "namespace", "workload", "version", "goversion"}

// labels lists the labels of a family with the values of those that have few.
func labels(f *dto.MetricFamily) string {
	var names []string
	values := map[string][]string{}
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if !slices.Contains(names, l.GetName()) {
				names = append(names, l.GetName())
			}
			if !slices.Contains(values[l.GetName()], l.GetValue()) {
				values[l.GetName()] = append(values[l.GetName()], l.GetValue())
			}
		}
	}
	for i, name := range names {
		names[i] = "`" + name + "`"
		if !slices.Contains(open, name) {
			slices.Sort(values[name])
			names[i] += ": " + strings.Join(values[name], ", ")
		}
	}
	return strings.Join(names, "; ")
}
