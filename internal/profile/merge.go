package profile

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// Merge returns the document that allows all acts that a or b allows. It is a set
// union: commutative, associative and idempotent, so that any number
// of learners may merge in any order and as often as they like.
//
// Both must be about the same workload, and a parameter that both declare must
// be declared alike. Where the two contradict each other in a text that allows
// nothing (name, version, a label's value), the greater in byte order is
// taken. Provenance is pessimistic: one partial part makes the result partial.
// The result speaks for all sections that a or b speaks for.
// An allowance takes on the name and version of the profile that it is merged with,
// and is no allowance any more.
func Merge(a, b *Profile) (*Profile, error) {
	a, b = Normalise(a), Normalise(b)
	senses := mergeSenses(a, b)
	switch {
	case a.IsAllowance() && !b.IsAllowance():
		a.Metadata = a.Metadata.within(b.Metadata)
	case b.IsAllowance() && !a.IsAllowance():
		b.Metadata = b.Metadata.within(a.Metadata)
	}
	if !reflect.DeepEqual(a.Spec.Workload, b.Spec.Workload) {
		return nil, fmt.Errorf("merge %q and %q: they are about different workloads: %s and %s",
			a.Metadata.Name, b.Metadata.Name, jsonText(a.Spec.Workload), jsonText(b.Spec.Workload))
	}
	parameters, err := mergeParameters(a.Spec.Parameters, b.Spec.Parameters)
	if err != nil {
		return nil, fmt.Errorf("merge %q and %q: %w", a.Metadata.Name, b.Metadata.Name, err)
	}
	return Normalise(&Profile{
		APIVersion: max(a.APIVersion, b.APIVersion),
		Kind:       max(a.Kind, b.Kind),
		Metadata: Metadata{
			Name:        max(a.Metadata.Name, b.Metadata.Name),
			Version:     max(a.Metadata.Version, b.Metadata.Version),
			Labels:      mergeTexts(a.Metadata.Labels, b.Metadata.Labels),
			Annotations: mergeTexts(a.Metadata.Annotations, b.Metadata.Annotations),
		},
		Spec: Spec{
			Parameters: parameters,
			Workload:   a.Spec.Workload,
			Senses:     senses,
			Containers: slices.Concat(a.Spec.Containers, b.Spec.Containers),
			Provenance: mergeProvenances(a.Spec.Provenance, b.Spec.Provenance),
			Kubescape:  mergeKept(a.Spec.Kubescape, b.Spec.Kubescape),
		},
	}), nil
}

// within returns the metadata of an allowance as part of a profile.
func (m Metadata) within(profile Metadata) Metadata {
	m.Name, m.Version = profile.Name, profile.Version
	m.Labels = maps.Clone(m.Labels)
	delete(m.Labels, AllowanceLabel)
	return m
}

// MergeContainers returns the union of the entries of both containers, normalised, under
// the name and type of a.
func MergeContainers(a, b Container) Container {
	b.Name, b.Type = a.Name, a.Type
	return mergeContainers(normaliseContainer(a), normaliseContainer(b))
}

// mergeContainers joins two normalised entries of the same container.
func mergeContainers(a, b Container) Container {
	syscalls := make(map[string][]string)
	for _, byArch := range []map[string][]string{a.Syscalls, b.Syscalls} {
		for arch, names := range byArch {
			syscalls[arch] = slices.Concat(syscalls[arch], names)
		}
	}
	return normaliseContainer(Container{
		Name:         a.Name,
		Type:         a.Type,
		Images:       slices.Concat(a.Images, b.Images),
		Syscalls:     syscalls,
		Execs:        slices.Concat(a.Execs, b.Execs),
		Opens:        slices.Concat(a.Opens, b.Opens),
		Changes:      slices.Concat(a.Changes, b.Changes),
		Directories:  slices.Concat(a.Directories, b.Directories),
		Support:      slices.Concat(a.Support, b.Support),
		Capabilities: slices.Concat(a.Capabilities, b.Capabilities),
		Network: Network{
			Egress:  slices.Concat(a.Network.Egress, b.Network.Egress),
			Ingress: slices.Concat(a.Network.Ingress, b.Network.Ingress),
			Listens: slices.Concat(a.Network.Listens, b.Network.Listens),
			Sockets: slices.Concat(a.Network.Sockets, b.Network.Sockets),
			Unix:    slices.Concat(a.Network.Unix, b.Network.Unix),
		},
		Endpoints: slices.Concat(a.Endpoints, b.Endpoints),
		Kubescape: mergeKept(a.Kubescape, b.Kubescape),
	})
}

// mergeParameters joins two declarations by name. They have to agree, because
// a wider default or prefix would widen the entries of the other document.
func mergeParameters(a, b []Parameter) ([]Parameter, error) {
	byName := make(map[string]Parameter)
	for _, p := range slices.Concat(a, b) {
		have, ok := byName[p.Name]
		if ok {
			p.Description = max(p.Description, have.Description)
			have.Description = p.Description
			if p != have {
				return nil, fmt.Errorf("parameter %q is declared in two ways", p.Name)
			}
		}
		byName[p.Name] = p
	}
	return slices.Collect(maps.Values(byName)), nil
}

// mergeTexts returns the entries of both; of two values the greater.
func mergeTexts(a, b map[string]string) map[string]string {
	merged := maps.Clone(a)
	for key, value := range b {
		if merged == nil {
			merged = make(map[string]string)
		}
		merged[key] = max(value, merged[key])
	}
	return merged
}

// WorseCompleteness returns the one of two grades that warns more.
func WorseCompleteness(a, b Completeness) Completeness {
	return higherOf(completenessRank, a, b)
}

// completenessRank orders completeness from the empty value to the most pessimistic one.
// fromRank orders Provenance.From likewise.
var (
	completenessRank = map[Completeness]int{"": 0, Complete: 1, Learning: 2, Partial: 3}
	fromRank         = map[string]int{"": 0, "start": 1, "attach": 2}
)

func mergeProvenances(a, b Provenance) Provenance {
	return Provenance{
		LearnedFor:   longerOf(a.LearnedFor, b.LearnedFor),
		From:         higherOf(fromRank, a.From, b.From),
		Completeness: WorseCompleteness(a.Completeness, b.Completeness),
		Lost:         max(a.Lost, b.Lost),
		NotKept:      max(a.NotKept, b.NotKept),
		CutShort:     a.CutShort || b.CutShort,
		Kernels:      slices.Concat(a.Kernels, b.Kernels),
		Runtimes:     slices.Concat(a.Runtimes, b.Runtimes),
		Agents:       slices.Concat(a.Agents, b.Agents),
	}
}

// higherOf returns the value of higher rank, and between unranked values the
// greater in byte order.
func higherOf[T ~string](rank map[T]int, a, b T) T {
	if order := cmp.Or(cmp.Compare(rank[a], rank[b]), cmp.Compare(a, b)); order < 0 {
		return b
	}
	return a
}

// longerOf returns the longer of two durations. One that cannot be read counts
// as none; of two spellings of one duration the greater text is taken.
func longerOf(a, b string) string {
	da, _ := time.ParseDuration(a)
	db, _ := time.ParseDuration(b)
	if order := cmp.Or(cmp.Compare(da, db), cmp.Compare(a, b)); order < 0 {
		return b
	}
	return a
}
