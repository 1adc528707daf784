package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bobwatch/internal/profile"
)

// shortest is a time under watch that is too short for most workloads: servers do some
// acts only every 10 to 60 seconds, such as probes, timers and expiry.
const shortest = 30 * time.Second

// verdict answers whether the workload kept to the document.
func (t *Trial) verdict(r *Report) (Verdict, string) {
	deviations := r.Deviations()
	platform := 0
	for _, d := range deviations {
		if d.Platform != "" {
			platform++
		}
	}
	switch n := len(deviations); {
	case n > 0 && platform == n:
		return Deviated, fmt.Sprintf("%s, and all are known differences between platforms. Accept them for this platform, and it passes.", count(n, "deviation"))
	case n > 0 && platform > 0:
		return Deviated, fmt.Sprintf("%s, of which %d %s known differences between platforms.", count(n, "deviation"), platform, plural(platform, "is", "are"))
	case n > 0:
		return Deviated, fmt.Sprintf("%s from the document.", count(n, "deviation"))
	case t.seen() == 0:
		return Inconclusive, "Nothing was observed of the containers that the document speaks of, so nothing was tested."
	case len(t.Unwatched) > 0:
		return Inconclusive, "No deviation was seen, but not all of the workload was watched."
	case t.Held > 0:
		return Inconclusive, fmt.Sprintf("%s could not be told.", count(int(t.Held), "deviation"))
	case t.Observed.Spec.Provenance.Lost > 0:
		return Inconclusive, fmt.Sprintf("No deviation was seen, but %s lost, and there may have been one among them. Test again with less load.", lost(t.Observed))
	}
	return Passed, fmt.Sprintf("In %s the workload did nothing that the document does not list.", r.Duration().Round(time.Second))
}

// seen counts the observed acts of the judged containers.
func (t *Trial) seen() int {
	n := 0
	for _, c := range t.judged().Spec.Containers {
		for _, number := range counts(&c) {
			n += number
		}
	}
	return n
}

func lost(p *profile.Profile) string {
	n := int(p.Spec.Provenance.Lost)
	return count(n, "record") + plural(n, " was", " were")
}

// caveats lists the gaps of the verdict.
func (t *Trial) caveats(r *Report) []string {
	caveats := []string{}
	say := func(format string, args ...any) { caveats = append(caveats, fmt.Sprintf(format, args...)) }
	for _, text := range t.Unwatched {
		say("%s", clean(text))
	}
	seen := t.Observed.Spec.Provenance
	if seen.Lost > 0 && r.Verdict == Deviated {
		say("%s lost while it was watched; there may be more deviations.", lost(t.Observed))
	}
	if t.Held > 0 && r.Verdict == Deviated {
		say("%s could not be told.", count(int(t.Held), "more deviation"))
	}
	if seen.From != "start" && r.Verdict != Inconclusive {
		say("The start was not seen. What the workload does only while it starts was not tested, and seems never used below.")
	}
	if d := r.Duration(); d < shortest {
		say("It was watched for %s only. Timers, probes and caches may not have come round.", d.Round(time.Second))
	}
	t.documentCaveats(say)
	t.coverage(r, say)
	return caveats
}

// documentCaveats are about the document.
func (t *Trial) documentCaveats(say func(string, ...any)) {
	switch p := t.Document.Spec.Provenance; p.Completeness {
	case profile.Partial:
		say("The document is partial: when it was learned, the start was not seen or something was lost. A deviation may be what it misses.")
	case profile.Learning:
		say("The document was still being learned when it was written. A deviation may be what came later.")
	}
	if w := t.Document.Spec.Workload; !t.applies(w) {
		say("The document is for %s; the agent would not apply it to this workload.", shown(strings.Join(nonEmpty(w.Kind, w.Name, inNamespace(w.Namespace)), " ")))
	}
	for i := range t.Observed.Spec.Containers {
		if c := &t.Observed.Spec.Containers[i]; !t.speaksOf(c) {
			say("The document says nothing of container %s, which was not judged.", shown(c.Name))
		}
	}
	for _, c := range t.Document.Spec.Containers {
		if len(c.Endpoints)+len(c.Capabilities) > 0 {
			say("Capabilities and endpoints, which the document lists, are not sensed and were not tested.")
			break
		}
	}
}

// applies reports whether the agent would hold the workload to a document for
// w, as far as names tell.
func (t *Trial) applies(w profile.Workload) bool {
	agree := func(want, have string) bool { return want == "" || have == "" || want == have }
	return agree(w.Namespace, t.Workload.Namespace) && agree(w.Kind, t.Workload.Kind) && agree(w.Name, t.Workload.Name)
}

// coverage says if the load used few entries of the document.
func (t *Trial) coverage(r *Report, say func(string, ...any)) {
	for _, c := range r.Containers {
		listed, used := 0, 0
		for _, u := range c.Usage {
			listed, used = listed+u.Listed, used+u.Used
		}
		switch {
		case r.Verdict == Inconclusive:
		case used == 0:
			say("Nothing was observed of container %s.", c.Name)
		case used*2 < listed:
			say("Container %s did %d%% of what the document lists. A load that does more would test more.", c.Name, 100*used/listed)
		}
	}
}

func inNamespace(namespace string) string {
	if namespace == "" {
		return ""
	}
	return "in namespace " + namespace
}

func nonEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return text == "" })
}

func count(n int, noun string) string { return fmt.Sprintf("%d %s", n, plural(n, noun, noun+"s")) }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
