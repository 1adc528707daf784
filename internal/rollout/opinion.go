package rollout

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"bobwatch/internal/catalog"
	"bobwatch/internal/cluster"
	"bobwatch/internal/term"
)

// documentVersion is the version that agents should load: a version of a document of a
// ConfigMap, or, with an empty digest, none any more.
type documentVersion struct {
	source, name, digest string // as in status.Document
}

// opinion is the state of a version on an agent.
type opinion string

const (
	pending opinion = "pending"
	taken   opinion = "taken"
	refused opinion = "refused"
)

// nodeOpinion says whether the agent of one node accepts a version, and why not.
type nodeOpinion struct {
	Node    string  `json:"node"`
	Pod     string  `json:"pod"`
	Opinion opinion `json:"state"`
	Why     string  `json:"why,omitempty"`
	Reason  string  `json:"reason,omitempty"` // of catalog.Reason
}

// judge returns the opinion of an agent about a version, from its report.
func (v *documentVersion) judge(r *cluster.Report) nodeOpinion {
	o := nodeOpinion{Node: r.Agent.Node, Pod: r.Agent.Pod, Opinion: pending}
	if r.Err != nil {
		o.Why = "cannot be asked: " + r.Err.Error()
		return o
	}
	for _, d := range r.Status.Documents {
		if d.Source != v.source || v.digest != "" && d.Name != v.name {
			continue
		}
		switch {
		case v.digest == "":
			o.Why = "has it in force still"
		case d.Digest != v.digest:
			o.Why = "has looked at another version only"
		case d.Refused != "":
			o.Opinion, o.Why, o.Reason = refused, d.RefusedWhy(), d.Reason
		case d.InForce:
			o.Opinion = taken
		}
		return o
	}
	if v.digest == "" {
		o.Opinion = taken
	} else {
		o.Why = "does not know of it; its configuration may leave the namespace out"
	}
	return o
}

// pollInterval is how often agents are asked. They see a change within a second.
const pollInterval = 500 * time.Millisecond

// Wait asks the agents of all nodes until none of them is undecided, or ctx
// ends. It returns the last answers, sorted by node.
func (v *documentVersion) wait(ctx context.Context, client *cluster.Client, progress *term.ProgressLine) ([]nodeOpinion, error) {
	defer progress.Clear()
	known := make(map[string]nodeOpinion) // by pod
	for {
		agents, err := client.Agents(ctx)
		if err != nil && len(known) == 0 {
			return nil, err
		}
		if err == nil {
			v.ask(ctx, client, agents, known)
		}
		undecided := 0
		for _, o := range known {
			if o.Opinion == pending {
				undecided++
			}
		}
		progress.Write(fmt.Sprintf("%d of %d agents have taken it in", len(known)-undecided, len(known)))
		if undecided > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(pollInterval):
				continue
			}
		}
		return sortedOpinions(known), nil
	}
}

// ask updates the opinions of the agents. It does not ask an agent again that has
// decided.
func (v *documentVersion) ask(ctx context.Context, client *cluster.Client, agents []cluster.Agent, known map[string]nodeOpinion) {
	present := make(map[string]bool, len(agents))
	var open []cluster.Agent
	for _, a := range agents {
		present[a.Pod] = true
		if o, ok := known[a.Pod]; !ok || o.Opinion == pending {
			open = append(open, a)
		}
	}
	for pod := range known {
		if !present[pod] {
			delete(known, pod)
		}
	}
	for _, r := range client.Statuses(ctx, open) {
		if o := v.judge(&r); ctx.Err() == nil || known[o.Pod].Pod == "" {
			known[o.Pod] = o
		}
	}
}

func sortedOpinions(known map[string]nodeOpinion) []nodeOpinion {
	all := make([]nodeOpinion, 0, len(known))
	for _, o := range known {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b nodeOpinion) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Pod, b.Pod))
	})
	return all
}

// count returns how many have the opinion.
func count(all []nodeOpinion, o opinion) int {
	n := 0
	for i := range all {
		if all[i].Opinion == o {
			n++
		}
	}
	return n
}

// writeOpinions lists the nodes that did not take it, and why.
func writeOpinions(t *term.Terminal, out io.Writer, all []nodeOpinion) {
	for _, o := range all {
		if o.Opinion == taken {
			continue
		}
		colour := term.Yellow
		if o.Opinion == refused {
			colour = term.Red
		}
		fmt.Fprintf(out, "  %s %s: %s\n", t.Colour(colour, string(o.Opinion)), term.Word(cmp.Or(o.Node, o.Pod)), term.Escape(o.Why))
	}
}

// refusalAdvice says what to do if agents refuse a document.
var refusalAdvice = map[catalog.Reason]string{
	catalog.ReasonUnsigned:  "sign it (bobctl sign) and install it again, or let the agents accept unsigned documents of the namespace: profiles.trust.unsigned in their configuration",
	catalog.ReasonUntrusted: "add whoever signed it to the authorities that the agents trust: profiles.trust.authorities in their configuration",
	catalog.ReasonSignature: "get the document and its signature again from their vendor",
	catalog.ReasonScope:     "who signed it may not vouch for this workload in this namespace: profiles.trust.authorities[].workloads in the agents' configuration",
	catalog.ReasonParameter: "give values that fit: --values FILE",
	catalog.ReasonLimit:     "it is too large for the agents",
}

// refusalLines says what to do about refusals, once for each reason.
func refusalLines(all []nodeOpinion) []string {
	var advice []string
	for _, o := range all {
		line := refusalAdvice[catalog.Reason(o.Reason)]
		if o.Opinion == refused && line != "" && !slices.Contains(advice, line) {
			advice = append(advice, line)
		}
	}
	return advice
}
