package kubescape

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml"

	"bobwatch/internal/profile"
)

// Form is the choice between the two ways in which Kubescape writes
// down a workload.
type Form int

// The forms.
const (
	// Pair is an ApplicationProfile and a NetworkNeighborhood; the
	// one of them that would say nothing is left out.
	Pair Form = iota
	// ContainerProfile is one ContainerProfile: flat for a single
	// container, grouped for several.
	ContainerProfile
)

// errNameless is returned for documents that only our form can say.
var errNameless = errors.New("write kubescape profile: a container without a name has a place only as the one of a flat ContainerProfile")

// Marshal returns p as Kubescape documents in YAML. Reading them again
// yields p, except for values that Kubescape has no field for: the version, a
// provenance beyond its grade, a third image of a container, and the
// difference between the syscalls of two architectures. Parameters have to be
// bound before. A container without a name is an error, except as the only one
// of a ContainerProfile.
func Marshal(p *profile.Profile, form Form) ([]byte, error) {
	if len(p.Spec.Parameters) > 0 {
		return nil, errors.New("write kubescape profile: parameters have to be bound first")
	}
	nameless := slices.ContainsFunc(p.Spec.Containers, func(c profile.Container) bool { return c.Name == "" })
	if nameless && (form != ContainerProfile || !canBeFlat(p)) {
		return nil, errNameless
	}
	var documents []map[string]any
	if form == ContainerProfile {
		documents = append(documents, containerProfile(p))
	} else {
		documents = pair(p)
	}
	var text []byte
	for i, document := range documents {
		if i > 0 {
			text = append(text, "---\n"...)
		}
		part, err := yaml.Marshal(quoteAmbiguous(document))
		if err != nil {
			return nil, fmt.Errorf("write kubescape profile: %w", err)
		}
		text = append(text, part...)
	}
	return text, nil
}

// pair returns the ApplicationProfile, the NetworkNeighborhood or both.
func pair(p *profile.Profile) []map[string]any {
	var behaves, talks bool
	for i := range p.Spec.Containers {
		c := &p.Spec.Containers[i]
		network := len(c.Network.Egress)+len(c.Network.Ingress) > 0
		talks = talks || network
		behaves = behaves || !network || len(behaviourFields(c)) > 0
	}
	meta := exportMeta(p)
	if selector := exportSelector(p, meta); len(selector) > 0 || p.Spec.Kubescape[KeyMatchExpressions] != nil {
		talks = true
	}
	var documents []map[string]any
	if behaves || !talks {
		documents = append(documents, applicationProfile(p, meta))
	}
	if talks {
		documents = append(documents, networkNeighborhood(p, meta))
	}
	return documents
}

func document(kind string, meta objectMeta, spec map[string]any) map[string]any {
	metadata := map[string]any{"name": meta.name}
	if meta.namespace != "" {
		metadata["namespace"] = meta.namespace
	}
	if len(meta.labels) > 0 {
		metadata["labels"] = meta.labels
	}
	if len(meta.annotations) > 0 {
		metadata["annotations"] = meta.annotations
	}
	return map[string]any{"apiVersion": groupVersion, "kind": kind, "metadata": metadata, "spec": spec}
}

func applicationProfile(p *profile.Profile, meta objectMeta) map[string]any {
	spec := foreignFields(p)
	exportArchitectures(spec, p)
	exportGroups(spec, p, func(c *profile.Container) map[string]any {
		out := behaviourFields(c)
		out["name"] = c.Name
		return out
	})
	return document(kindApplicationProfile, meta, spec)
}

func networkNeighborhood(p *profile.Profile, meta objectMeta) map[string]any {
	spec := foreignFields(p)
	exportWorkloadSelector(spec, p, meta)
	exportGroups(spec, p, func(c *profile.Container) map[string]any {
		out := networkFields(c)
		out["name"] = c.Name
		return out
	})
	return document(kindNetworkNeighborhood, meta, spec)
}

func containerProfile(p *profile.Profile) map[string]any {
	meta := exportMeta(p)
	spec := foreignFields(p)
	exportArchitectures(spec, p)
	exportWorkloadSelector(spec, p, meta)
	whole := func(c *profile.Container) map[string]any {
		out := behaviourFields(c)
		maps.Copy(out, networkFields(c))
		return out
	}
	if canBeFlat(p) {
		c := &p.Spec.Containers[0]
		meta.setContainer(c)
		maps.Copy(spec, whole(c))
	} else {
		exportGroups(spec, p, func(c *profile.Container) map[string]any {
			out := whole(c)
			out["name"] = c.Name
			return out
		})
	}
	return document(kindContainerProfile, meta, spec)
}

// canBeFlat reports whether the fields of the only container may stand in the
// spec itself and will be taken for a container's there.
func canBeFlat(p *profile.Profile) bool {
	if len(p.Spec.Containers) != 1 {
		return false
	}
	c := &p.Spec.Containers[0]
	fields := behaviourFields(c)
	maps.Copy(fields, networkFields(c))
	for field := range fields {
		if !containerFields[field] {
			return false
		}
	}
	return c.Name != "" || len(fields) > 0
}

// exportGroups fills the three lists of containers.
func exportGroups(spec map[string]any, p *profile.Profile, export func(*profile.Container) map[string]any) {
	for i := range p.Spec.Containers {
		c := &p.Spec.Containers[i]
		list, _ := spec[containerLists[c.Type]].([]any)
		spec[containerLists[c.Type]] = append(list, export(c))
	}
}

// exportMeta returns metadata from which the same binding and the same grade
// are read again.
func exportMeta(p *profile.Profile) objectMeta {
	w := p.Spec.Workload
	meta := objectMeta{
		name:        p.Metadata.Name,
		namespace:   w.Namespace,
		labels:      maps.Clone(p.Metadata.Labels),
		annotations: p.Metadata.Annotations,
	}
	meta.setCompleteness(p.Spec.Provenance.Completeness)
	meta.setSenses(p)
	for label, value := range map[string]string{labelKind: w.Kind, labelName: w.Name, labelNamespace: w.Namespace} {
		meta.setLabel(label, value)
	}
	if read := meta.workload(nil); read.Kind != w.Kind || read.Name != w.Name || read.Namespace != w.Namespace {
		meta.annotations = maps.Clone(meta.annotations)
		delete(meta.annotations, annotationWLID)
		delete(meta.annotations, annotationInstanceID)
	}
	return meta
}

func (m *objectMeta) setLabel(key, value string) {
	if value != "" {
		m.labels = union(m.labels, map[string]string{key: value})
	}
}

// setContainer names the container of a flat ContainerProfile.
func (m *objectMeta) setContainer(c *profile.Container) {
	m.setLabel(labelContainer, c.Name)
	if list := containerLists[c.Type]; c.Type != "" {
		m.annotations = union(m.annotations, map[string]string{annotationContainerType: list})
	}
}

// containerLists names the lists of containers in a spec.
var containerLists = map[profile.ContainerType]string{
	"":                         "containers",
	profile.ContainerRegular:   "containers",
	profile.ContainerInit:      "initContainers",
	profile.ContainerEphemeral: "ephemeralContainers",
}

// exportSelector returns the labels that have to be written as a selector:
// none where the document's name already implies them.
func exportSelector(p *profile.Profile, meta objectMeta) map[string]string {
	if maps.Equal(meta.workload(nil).Labels, p.Spec.Workload.Labels) {
		return nil
	}
	return p.Spec.Workload.Labels
}

func exportWorkloadSelector(spec map[string]any, p *profile.Profile, meta objectMeta) {
	if selector := exportSelector(p, meta); len(selector) > 0 {
		spec["matchLabels"] = selector
	}
	if expressions := p.Spec.Kubescape[KeyMatchExpressions]; expressions != nil {
		spec[KeyMatchExpressions] = expressions
	}
}

// foreignFields returns the fields of a spec that are kept without being
// understood.
func foreignFields(p *profile.Profile) map[string]any {
	spec := make(map[string]any)
	for key, value := range p.Spec.Kubescape {
		if key != KeyMatchExpressions {
			spec[key] = value
		}
	}
	return spec
}

// exportArchitectures names the architectures with syscalls besides those that
// were named without having any.
func exportArchitectures(spec map[string]any, p *profile.Profile) {
	set := make(map[string]bool)
	kept, _ := spec[keepArchitectures].([]any)
	for _, arch := range kept {
		set[fmt.Sprint(arch)] = true
	}
	for i := range p.Spec.Containers {
		for arch := range p.Spec.Containers[i].Syscalls {
			set[arch] = true
		}
	}
	setList(spec, keepArchitectures, anyList(slices.Sorted(maps.Keys(set))))
}

// exportPort is a number there; a port that is none is left open.
func exportPort(p profile.Port) map[string]any {
	out := map[string]any{"name": p.Name, "protocol": p.Protocol}
	if n, err := strconv.ParseUint(p.Port, 10, 16); err == nil {
		out["port"] = n
	}
	return out
}
