package report

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// Report is the result of a trial. Its JSON is API, described in
// docs/bob-test.md. Texts that a container can influence are in the form that
// alert.Printable makes.
type Report struct {
	Verdict Verdict `json:"verdict"`
	// Summary says why, in a sentence or two.
	Summary  string         `json:"summary"`
	Document Document       `json:"document"`
	Workload alert.Workload `json:"workload"`
	Start    time.Time      `json:"start"`
	End      time.Time      `json:"end"`
	// Caveats name the gaps of the verdict, a sentence each.
	Caveats    []string    `json:"caveats"`
	Instances  []Instance  `json:"instances"`
	Containers []Container `json:"containers"`
	// Groups are the deviations by cause: the worst first, differences between
	// platforms last.
	Groups []Group     `json:"groups"`
	News   []time.Time `json:"news,omitempty"`
	// Patch would make the same trial pass, except for acts that no document can
	// allow. It is nil if there is nothing to allow.
	Patch *profile.Profile `json:"patch,omitempty"`
}

// Verdict is the answer to whether the workload kept to its document.
type Verdict string

// The verdicts.
const (
	Passed       Verdict = "passed"
	Deviated     Verdict = "deviated"
	Inconclusive Verdict = "inconclusive"
)

// Document names the document that the workload was held to.
type Document struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	// Digest is "sha256:..." of the canonical bytes of all documents joined.
	Digest     string             `json:"digest"`
	Provenance profile.Provenance `json:"provenance,omitzero"`
}

// Section is a kind of act.
type Section string

// The sections.
const (
	Syscalls Section = "syscalls"
	Execs    Section = "execs"
	Opens    Section = "opens"
	Other    Section = "other" // no document has a list for it
)

var sections = []Section{Syscalls, Execs, Opens}

// Container is how one container used the document.
type Container struct {
	Name  string                `json:"name"`
	Type  profile.ContainerType `json:"type,omitempty"`
	Usage map[Section]Usage     `json:"usage"`
	// Unused are the entries of the document that nothing made use of.
	Unused []Unused `json:"unused"`
	// Equivalent are system calls that stand for others of their family in the
	// document, as in "openat for open". They are no deviations.
	Equivalent []string `json:"equivalent,omitempty"`
}

// Usage counts entries: those of the document, those of them that were used, and other
// observed acts. System calls are counted by family.
type Usage struct {
	Listed     int `json:"listed"`
	Used       int `json:"used"`
	Deviations int `json:"deviations"`
}

// Unused is an entry of the document that nothing made use of.
type Unused struct {
	Section Section `json:"section"`
	Text    string  `json:"text"`
	// Note says why that may be, if there is a usual reason.
	Note string `json:"note,omitempty"`
}

// Group is deviations with one cause.
type Group struct {
	Title       string            `json:"title"`
	Explanation string            `json:"explanation"`
	Severity    severity.Severity `json:"severity"` // of the worst
	// Platform: these are differences between kernels, machines, libcs or clusters,
	// and no sign of an attack.
	Platform   bool        `json:"platform,omitempty"`
	Deviations []Deviation `json:"deviations"`
}

// Deviation is an act that the document does not list.
type Deviation struct {
	Container   string            `json:"container"`
	Section     Section           `json:"section"`
	Rule        rule.ID           `json:"rule"`
	Severity    severity.Severity `json:"severity"`
	Act         string            `json:"act"`         // such as "read of /etc/shadow"
	Explanation string            `json:"explanation"` // a sentence
	// Platform names the known difference of platforms that it looks like.
	Platform string `json:"platform,omitempty"`
	// Count is how often it was reported; 0 if only that it happened is known.
	Count  uint64    `json:"count,omitempty"`
	First  time.Time `json:"first,omitzero"`
	Last   time.Time `json:"last,omitzero"`
	Actors []Actor   `json:"actors,omitempty"`
	// Allow is the command that accepts it. It is empty where Unallowable says
	// so, and where the patch is the only way.
	Allow string `json:"allow,omitempty"`
	// Unallowable: no document can allow it, or none could without allowing
	// more.
	Unallowable bool `json:"unallowable,omitempty"`
}

// Actor is a process that deviated.
type Actor struct {
	// Chain is the process and how it came to be, the container's first
	// process first.
	Chain  []alert.Process `json:"chain"`
	Origin alert.Origin    `json:"origin,omitzero"`
	Pod    string          `json:"pod,omitempty"`
	Node   string          `json:"node,omitempty"`
	Count  uint64          `json:"count"`
	// Outsider is the first of Chain that should not have been executed, its
	// index; -1 if there is none.
	Outsider int `json:"outsider"`
}

// Deviations returns those of all groups.
func (r *Report) Deviations() []Deviation {
	var all []Deviation
	for _, g := range r.Groups {
		all = append(all, g.Deviations...)
	}
	return all
}

// Duration is the time under watch.
func (r *Report) Duration() time.Duration { return r.End.Sub(r.Start) }

// New judges a trial. It fails only for a document that cannot be compiled.
func New(t Trial) (*Report, error) {
	if t.Observed == nil {
		t.Observed = &profile.Profile{}
	}
	t.Document, t.Observed = profile.Normalise(t.Document), profile.Normalise(t.Observed)
	canonical, err := t.Document.Canonical()
	if err != nil {
		return nil, err
	}
	held := t.judged()
	found, err := t.deviations(held)
	if err != nil {
		return nil, err
	}
	r := &Report{
		Document: Document{
			Name:       shown(t.Document.Metadata.Name),
			Version:    shown(t.Document.Metadata.Version),
			Digest:     fmt.Sprintf("sha256:%x", sha256.Sum256(canonical)),
			Provenance: t.Document.Spec.Provenance,
		},
		Workload: alert.Workload{
			Namespace: clean(t.Workload.Namespace), Kind: clean(t.Workload.Kind), Name: clean(t.Workload.Name),
		},
		Start:      t.Start,
		End:        t.End,
		Instances:  t.instances(),
		Containers: t.containers(held, found),
		Groups:     groups(found),
		News:       t.News,
		Patch:      t.patch(found),
	}
	r.Verdict, r.Summary = t.verdict(r)
	r.Caveats = t.caveats(r)
	return r, nil
}

// judged returns the observed acts of the containers that are in the document. The agent
// does not judge other containers by it either.
func (t *Trial) judged() *profile.Profile {
	held := *t.Observed
	held.Spec.Containers = slices.DeleteFunc(slices.Clone(held.Spec.Containers), func(c profile.Container) bool {
		return !t.speaksOf(&c)
	})
	return &held
}

func (t *Trial) speaksOf(c *profile.Container) bool {
	return slices.ContainsFunc(t.Document.Spec.Containers, func(d profile.Container) bool {
		return d.Type == c.Type && (d.Name == c.Name || d.Name == "") && t.Document.Guards(&d)
	})
}

func (t *Trial) instances() []Instance {
	all := make([]Instance, len(t.Instances))
	for i, instance := range t.Instances {
		all[i] = Instance{Pod: clean(instance.Pod), Node: clean(instance.Node), Container: clean(instance.Container)}
	}
	return all
}
