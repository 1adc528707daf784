package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bobwatch/internal/profile"
	"bobwatch/internal/status"
	"bobwatch/internal/term"
)

// Table writes a status for people.
func Table(t *term.Terminal, s *Status, now time.Time) string {
	ready := 0
	for _, a := range s.Agents {
		if a.Ready {
			ready++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d of %d ready\n", t.Colour(term.Bold, "agents"), ready, len(s.Agents))
	b.WriteString(t.Columns(agentRows(s.Agents)))
	if len(s.Workloads) > 0 {
		fmt.Fprintf(&b, "\n%s\n", t.Colour(term.Bold, "workloads"))
		b.WriteString(t.Columns(workloadRows(s.Workloads, now)))
	}
	if len(s.Documents) > 0 {
		fmt.Fprintf(&b, "\n%s\n", t.Colour(term.Bold, "documents"))
		b.WriteString(t.Columns(documentRows(s.Documents, ready)))
	}
	return b.String()
}

func agentRows(agents []agentStatus) [][]term.Cell {
	rows := [][]term.Cell{term.Header("NODE", "VERSION", "STATE", "HOOKS", "POD")}
	for _, a := range agents {
		state := term.NewCell("ready", term.Green)
		if !a.Ready {
			state = term.NewCell("not ready", term.Red)
		}
		rows = append(rows, []term.Cell{term.NewCell(cmp.Or(a.Node, "(none yet)"), term.Bold), term.NewCell(a.Version, ""), state, hooksCell(a.Hooks), term.NewCell(a.Pod, term.Dim)})
		if a.Problem != "" {
			rows = append(rows, []term.Cell{term.NewCell("  "+a.Problem, term.Red)})
		}
	}
	return rows
}

// hooksCell counts the hooks, and names those that are not attached.
func hooksCell(hooks []status.Hook) term.Cell {
	if len(hooks) == 0 {
		return term.Cell{}
	}
	var missing []string
	for _, h := range hooks {
		if !h.Attached {
			missing = append(missing, h.Name)
		}
	}
	if len(missing) == 0 {
		return term.NewCell(fmt.Sprintf("all %d", len(hooks)), "")
	}
	return term.NewCell(fmt.Sprintf("%d of %d, without %s", len(hooks)-len(missing), len(hooks), strings.Join(missing, " ")), term.Red)
}

// workloadRows lists the workloads below their namespaces.
func workloadRows(workloads []workloadStatus, now time.Time) [][]term.Cell {
	rows := [][]term.Cell{term.Header("WORKLOAD", "CONTAINER", "STATE", "PROGRESS", "REPLICAS", "LEARNED", "LAST NEWS", "PROFILE")}
	namespace := "\x00" // is none
	for i, w := range workloads {
		if w.Namespace != namespace {
			namespace = w.Namespace
			rows = append(rows, []term.Cell{term.NewCell(cmp.Or(namespace, "(no namespace)"), term.Cyan)})
		}
		completeness := term.NewCell(string(w.Completeness), "")
		if w.Completeness == profile.Partial {
			completeness.Colour = term.Yellow
		}
		rows = append(rows, []term.Cell{
			term.NewCell("  "+w.Kind+"/"+w.Name, term.Bold),
			term.NewCell(containerName(workloads, i), ""),
			stateCell(&w),
			term.NewCell(progress(&w), ""),
			term.NewCell(replicas(&w), ""),
			term.NewCell(learned(w.Learned), ""),
			term.NewCell(lastNews(&w, now), ""),
			completeness,
		})
		if w.Late > 0 {
			rows = append(rows, []term.Cell{term.NewCell(fmt.Sprintf("    %d watched late: the kernel could not report their start", w.Late), term.Yellow)})
		}
		if w.Completeness == profile.Partial && w.Reason != "" {
			rows = append(rows, []term.Cell{term.NewCell("    partial: "+w.Reason, term.Yellow)})
		}
	}
	return rows
}

// containerName names the container of a workload, and its image if there is
// another one of it.
func containerName(workloads []workloadStatus, i int) string {
	w := &workloads[i]
	same := func(j int) bool {
		return j >= 0 && j < len(workloads) && workloads[j].Namespace == w.Namespace && workloads[j].Kind == w.Kind &&
			workloads[j].Name == w.Name && workloads[j].Container == w.Container
	}
	if !same(i-1) && !same(i+1) {
		return w.Container
	}
	const shown = 12 // digits of a digest
	digest := strings.TrimPrefix(w.Digest, "sha256:")
	return w.Container + "@" + cmp.Or(digest[:min(shown, len(digest))], w.Image)
}

var stateColours = map[status.State]string{
	status.Guarded: term.Green, status.Learning: term.Yellow, status.Unguarded: term.Red, status.Off: term.Dim,
}

// stateCell names the state, or if nodes differ each with its number of them.
func stateCell(w *workloadStatus) term.Cell {
	text := string(w.State)
	if len(w.States) > 1 {
		var parts []string
		for _, state := range slices.Sorted(maps.Keys(w.States)) {
			parts = append(parts, fmt.Sprintf("%s on %d", state, w.States[state]))
		}
		text = strings.Join(parts, ", ")
	}
	return term.NewCell(text, stateColours[w.State])
}

// progress says how much of the window is over.
func progress(w *workloadStatus) string {
	if w.State != status.Learning || w.Window <= 0 {
		return ""
	}
	percent := min(max(100*w.Observed/w.Window, 0), 100)
	return fmt.Sprintf("%.0f%% of %s", percent, brief(seconds(w.Window)))
}

func replicas(w *workloadStatus) string {
	if len(w.Nodes) == 1 {
		return fmt.Sprint(w.Replicas)
	}
	return fmt.Sprintf("%d on %d nodes", w.Replicas, len(w.Nodes))
}

func learned(c status.Counts) string {
	if c == (status.Counts{}) {
		return ""
	}
	return fmt.Sprintf("%d syscalls, %d execs, %d opens", c.Syscalls, c.Execs, c.Opens)
}

// documentRows lists the documents; ready is the number of agents that could
// have them in force.
func documentRows(documents []documentStatus, ready int) [][]term.Cell {
	rows := [][]term.Cell{term.Header("SOURCE", "DOCUMENT", "IN FORCE", "VOUCHED FOR BY")}
	for _, d := range documents {
		inForce := term.NewCell("on "+term.Plural(uint64(len(d.InForce)), "node"), term.Green)
		if len(d.InForce) == 0 {
			inForce = term.NewCell("nowhere", term.Red)
		} else if len(d.InForce) < ready {
			inForce = term.NewCell(fmt.Sprintf("on %d of %s", len(d.InForce), term.Plural(uint64(ready), "node")), term.Yellow)
		}
		by := d.Authority
		if by == "" && len(d.InForce) > 0 {
			by = "nobody"
		}
		rows = append(rows, []term.Cell{term.NewCell(d.Source, term.Bold), term.NewCell(d.Name, ""), inForce, term.NewCell(by, "")})
		for _, r := range d.Refused {
			rows = append(rows, []term.Cell{term.NewCell(fmt.Sprintf("  refused on %s: %s", strings.Join(r.Nodes, " "), r.Why), term.Red)})
		}
	}
	return rows
}

// lastNews says when something was learned last, and how much.
func lastNews(w *workloadStatus, now time.Time) string {
	text := ago(w.LastNews, now)
	if text != "" && w.NewFacts > 0 {
		text = fmt.Sprintf("%d facts, %s", w.NewFacts, text)
	}
	return text
}

// ago says how long ago something was; nothing for never.
func ago(then, now time.Time) string {
	if then.IsZero() {
		return ""
	}
	return brief(max(now.Sub(then), 0)) + " ago"
}

// brief writes a duration in its largest unit: 59s, 3m, 24h, 7d.
func brief(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 3*24*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// seconds returns a duration, of what may be too many seconds for one.
func seconds(n float64) time.Duration {
	const most = float64(1<<62) / float64(time.Second)
	return time.Duration(min(max(n, 0), most) * float64(time.Second))
}
