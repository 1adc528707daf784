package report

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"bobwatch/internal/profile"
	"bobwatch/internal/severity"
)

var (
	//go:embed report.html
	pageText string
	//go:embed report.css
	pageStyle string

	page = template.Must(template.New("report").Funcs(template.FuncMap{
		"program": program,
		"args":    commandLine,
		"time":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"brief":   brief,
		"style":   func() template.CSS { return template.CSS(pageStyle) },
		"last":    func(i, n int) bool { return i == n-1 },
	}).Parse(pageText))
)

// view holds the data of the page in addition to the report itself.
type view struct {
	*Report
	Title    string
	Bars     []bar
	Ring     []slice
	Timeline *timeline
	Count    int  // of deviations
	Mild     bool // all of them are differences between platforms
	Worst    string
	Used     int // percent of the document
	Watched  string
	Pods     int
	Nodes    int
	Patch    string
	Unused   int
}

// HTML writes the report as one page that needs nothing else: no network, no
// script. Everything that a container can influence is text in it.
func (r *Report) HTML(w io.Writer) error {
	v := view{
		Report:   r,
		Title:    r.title(),
		Bars:     r.bars(),
		Ring:     r.ring(),
		Timeline: r.timeline(),
		Count:    len(r.Deviations()),
		Watched:  brief(r.Duration()),
	}
	if len(v.Ring) > 0 {
		v.Worst = v.Ring[0].Name
	}
	v.Mild = len(r.Groups) > 0 && r.Groups[0].Platform
	v.Used, v.Unused = r.used()
	v.Pods, v.Nodes = r.places()
	if r.Patch != nil {
		text, err := profile.Marshal(r.Patch)
		if err != nil {
			return fmt.Errorf("write report: %w", err)
		}
		v.Patch = string(text)
	}
	if err := page.Execute(w, v); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Grave returns the deviations that are worth more than a remark.
func (g Group) Grave() []Deviation {
	return slices.DeleteFunc(slices.Clone(g.Deviations), func(d Deviation) bool { return d.Severity == severity.Low })
}

// Remarks returns the others.
func (g Group) Remarks() []Deviation {
	return slices.DeleteFunc(slices.Clone(g.Deviations), func(d Deviation) bool { return d.Severity > severity.Low })
}

// used returns how much of the document was used, in percent, and how many
// entries were not.
func (r *Report) used() (percent, unused int) {
	listed, used := 0, 0
	for _, c := range r.Containers {
		for _, u := range c.Usage {
			listed, used = listed+u.Listed, used+u.Used
		}
	}
	if listed == 0 {
		return 0, 0
	}
	return 100 * used / listed, listed - used
}

// places counts the pods and nodes that were watched.
func (r *Report) places() (pods, nodes int) {
	seenPods, seenNodes := make(map[string]bool), make(map[string]bool)
	for _, i := range r.Instances {
		if i.Pod != "" {
			seenPods[i.Pod] = true
		}
		if i.Node != "" {
			seenNodes[i.Node] = true
		}
	}
	return len(seenPods), len(seenNodes)
}

// commandLine writes arguments for reading, cut where they are long.
func commandLine(args []string) string {
	const longest = 160
	text := strings.Join(args, " ")
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return text
}
