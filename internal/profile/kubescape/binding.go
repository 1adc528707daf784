package kubescape

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"bobwatch/internal/profile"
)

// Labels and annotations Kubescape gives its documents.
const (
	prefix              = "kubescape.io/"
	labelKind           = prefix + "workload-kind"
	labelName           = prefix + "workload-name"
	labelNamespace      = prefix + "workload-namespace"
	labelContainer      = prefix + "workload-container-name"
	labelTemplateHash   = prefix + "instance-template-hash"
	labelLearningPeriod = prefix + "learning-period"
	labelUserDefined    = prefix + "user-defined-profile" // on pods

	AnnotationStatus        = prefix + "status"
	annotationCompletion    = prefix + "completion"
	annotationWLID          = prefix + "wlid"
	annotationInstanceID    = prefix + "instance-id"
	annotationContainerType = prefix + "workload-container-type"
	annotationManagedBy     = prefix + "managed-by"
)

// annotationSenses keeps Spec.Senses, for which Kubescape has no place.
const annotationSenses = "bobwatch/senses"

// objectMeta is the part of a Kubescape object's metadata that says
// something about the workload. The rest belongs to the API server.
type objectMeta struct {
	name        string
	namespace   string
	labels      map[string]string
	annotations map[string]string
}

// value returns the label key, or the annotation: older releases wrote some of
// them as the one, some as the other.
func (m *objectMeta) value(key string) string {
	if v := m.labels[key]; v != "" {
		return v
	}
	return m.annotations[key]
}

// workload returns the workload that the document applies to. The labels name the
// top-level owner and come first; the wlid names it too, the instance-id only the object
// below it. A document without any of them is bound, as in Kubescape, by the pod label
// that carries its name.
func (m *objectMeta) workload(selector map[string]string) profile.Workload {
	wlid := parseWLID(m.value(annotationWLID))
	instance := parseInstanceID(m.value(annotationInstanceID))
	w := profile.Workload{
		Namespace: firstOf(m.value(labelNamespace), wlid.Namespace, instance.Namespace, m.namespace),
		Labels:    selector,
	}
	for _, owner := range []profile.Workload{{Kind: m.value(labelKind), Name: m.value(labelName)}, wlid, instance.Workload} {
		if owner.Name == "" {
			continue
		}
		w.Kind, w.Name = topOwner(owner.Kind, owner.Name, m.value(labelTemplateHash))
		break
	}
	if w.Name == "" && len(w.Labels) == 0 && m.name != "" {
		w.Labels = map[string]string{labelUserDefined: m.name}
	}
	return w
}

// container returns the name and type of the one container a flat
// ContainerProfile is about. The name is empty if the document does not say.
func (m *objectMeta) container() (string, profile.ContainerType) {
	instance := parseInstanceID(m.value(annotationInstanceID))
	typ := instance.containerType
	switch m.value(annotationContainerType) {
	case "initContainers":
		typ = profile.ContainerInit
	case "ephemeralContainers":
		typ = profile.ContainerEphemeral
	}
	return firstOf(m.value(labelContainer), instance.container), typ
}

// provenance grades the document. Only a profile that Kubescape calls completed and
// complete counts as complete: ready means that learning goes on, and a profile that
// failed or grew too large holds only a part.
func (m *objectMeta) provenance() profile.Provenance {
	p := profile.Provenance{Completeness: m.completeness()}
	if period := m.value(labelLearningPeriod); period != "" {
		if _, err := time.ParseDuration(period); err == nil {
			p.LearnedFor = period
		}
	}
	return p
}

func (m *objectMeta) completeness() profile.Completeness {
	status, completion := m.annotations[AnnotationStatus], m.annotations[annotationCompletion]
	switch {
	case status == "" && completion == "":
		return ""
	case status == "initializing" || status == "ready":
		return profile.Learning
	case status == "completed" && completion == "complete":
		return profile.Complete
	}
	return profile.Partial
}

// metadata returns the rest of m, without the fields that the workload, the container
// and the grade have been read from.
func (m *objectMeta) metadata() profile.Metadata {
	rest := profile.Metadata{Name: m.name, Labels: maps.Clone(m.labels), Annotations: maps.Clone(m.annotations)}
	for _, key := range []string{labelKind, labelName, labelNamespace, labelContainer, annotationContainerType} {
		delete(rest.Labels, key)
		delete(rest.Annotations, key)
	}
	if m.senses() != nil {
		delete(rest.Annotations, annotationSenses)
	}
	if m.isOverlay() {
		rest.Labels = union(rest.Labels, map[string]string{profile.AllowanceLabel: "true"})
	}
	if grade := gradeAnnotations[m.completeness()]; grade != nil &&
		m.annotations[AnnotationStatus] == grade[AnnotationStatus] &&
		m.annotations[annotationCompletion] == grade[annotationCompletion] {
		delete(rest.Annotations, AnnotationStatus)
		delete(rest.Annotations, annotationCompletion)
	}
	return rest
}

// senses returns the senses in the annotation; nil if the annotation is not ours.
func (m *objectMeta) senses() []profile.Sense {
	var senses []profile.Sense
	for name := range strings.SplitSeq(m.annotations[annotationSenses], ",") {
		if sense := profile.Sense(name); slices.Contains(profile.AllSenses, sense) {
			senses = append(senses, sense)
		} else {
			return nil
		}
	}
	return senses
}

// setSenses writes the annotation. It leaves out the sections that Kubescape has no
// field for, because a document would allow nothing in them when it is read again:
// changes, and the network if it lists ports to listen on, sockets or groups of
// addresses.
func (m *objectMeta) setSenses(p *profile.Profile) {
	lost := []profile.Sense{profile.SenseChanges}
	for i := range p.Spec.Containers {
		if !saysNetwork(&p.Spec.Containers[i].Network) {
			lost = append(lost, profile.SenseNetwork)
		}
	}
	senses := slices.DeleteFunc(slices.Clone(p.Spec.Senses), func(s profile.Sense) bool { return slices.Contains(lost, s) })
	if len(senses) == 0 {
		return
	}
	names := make([]string, len(senses))
	for i, sense := range senses {
		names[i] = string(sense)
	}
	m.annotations = union(m.annotations, map[string]string{annotationSenses: strings.Join(names, ",")})
}

// saysNetwork reports whether Kubescape has a place for all of n.
func saysNetwork(n *profile.Network) bool {
	byGroup := func(n profile.Neighbor) bool { return len(n.Entities) > 0 }
	return len(n.Listens)+len(n.Sockets)+len(n.Unix) == 0 &&
		!slices.ContainsFunc(n.Egress, byGroup) && !slices.ContainsFunc(n.Ingress, byGroup)
}

// isOverlay reports whether the document is one with which a user adds to a
// learned one.
func (m *objectMeta) isOverlay() bool {
	return strings.HasPrefix(m.name, "ug-") && m.annotations[annotationManagedBy] == "User"
}

// gradeAnnotations is how a grade is written. It may be read from others.
var gradeAnnotations = map[profile.Completeness]map[string]string{
	profile.Complete: {AnnotationStatus: "completed", annotationCompletion: "complete"},
	profile.Partial:  {AnnotationStatus: "completed", annotationCompletion: "partial"},
	profile.Learning: {AnnotationStatus: "ready", annotationCompletion: "partial"},
}

// setCompleteness writes the completeness of the document to the annotations, and leaves
// them alone if they have it already.
func (m *objectMeta) setCompleteness(c profile.Completeness) {
	if m.completeness() == c {
		return
	}
	m.annotations = union(m.annotations, gradeAnnotations[c])
	if c == "" {
		delete(m.annotations, AnnotationStatus)
		delete(m.annotations, annotationCompletion)
	}
}

// parseWLID reads wlid://cluster-C/namespace-N/KIND-NAME. For another form it returns an
// empty workload.
func parseWLID(wlid string) profile.Workload {
	rest, ok := strings.CutPrefix(wlid, "wlid://")
	if !ok {
		return profile.Workload{}
	}
	var w profile.Workload
	for part := range strings.SplitSeq(rest, "/") {
		key, value, _ := strings.Cut(part, "-")
		switch key {
		case "cluster":
		case "namespace":
			w.Namespace = value
		default:
			w.Kind, w.Name = key, value
		}
	}
	return w
}

type instanceID struct {
	profile.Workload
	container     string
	containerType profile.ContainerType
}

// parseInstanceID reads
// apiVersion-G/V/namespace-N/kind-K/name-NAME[/containerName-C].
func parseInstanceID(id string) instanceID {
	var i instanceID
	for part := range strings.SplitSeq(id, "/") {
		key, value, _ := strings.Cut(part, "-")
		switch key {
		case "namespace":
			i.Namespace = value
		case "kind":
			i.Kind = value
		case "name":
			i.Name = value
		case "containerName":
			i.container = value
		case "initContainerName":
			i.container, i.containerType = value, profile.ContainerInit
		case "ephemeralContainerName":
			i.container, i.containerType = value, profile.ContainerEphemeral
		}
	}
	// Kubescape appends the hash of the pod template, whatever the kind.
	i.Name = templateHash.ReplaceAllString(i.Name, "")
	if strings.EqualFold(i.Kind, "ReplicaSet") {
		i.Kind = "Deployment"
	}
	return i
}

// templateHash matches a pod template hash at the end of a name: 32 bits in
// the alphabet of apimachinery's rand.SafeEncodeString.
var templateHash = regexp.MustCompile(`-([bcdfghjklmnpqrstvwxz2456789]{8,10})$`)

// kinds spells the kinds of workloads; wlids have them in lower case.
var kinds = map[string]string{
	"pod":                   "Pod",
	"deployment":            "Deployment",
	"replicaset":            "ReplicaSet",
	"replicationcontroller": "ReplicationController",
	"statefulset":           "StatefulSet",
	"daemonset":             "DaemonSet",
	"job":                   "Job",
	"cronjob":               "CronJob",
}

// topOwner spells kind as Kubernetes does and climbs from a ReplicaSet to its
// Deployment: every rollout makes a new ReplicaSet, so nothing may bind to one.
func topOwner(kind, name, hash string) (string, string) {
	if spelled := kinds[strings.ToLower(kind)]; spelled != "" {
		kind = spelled
	}
	if kind != "ReplicaSet" {
		return kind, name
	}
	short := templateHash.ReplaceAllString(name, "")
	if hash != "" {
		short = strings.TrimSuffix(name, "-"+hash)
	}
	if short == name {
		return kind, name
	}
	return "Deployment", short
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
