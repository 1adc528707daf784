// Package kubescape reads and writes Kubescape's ApplicationProfiles,
// NetworkNeighborhoods and ContainerProfiles.
//
// A document survives the way there and back: fields without a place in a
// profile are kept in its Kubescape maps.
package kubescape

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"bobwatch/internal/profile"
	"bobwatch/internal/yamlfile"
)

// The kinds of Kubescape documents.
const (
	kindApplicationProfile  = "ApplicationProfile"
	kindNetworkNeighborhood = "NetworkNeighborhood"
	kindContainerProfile    = "ContainerProfile"

	groupVersion = "spdx.softwarecomposition.kubescape.io/v1beta1"
)

// Keys of Spec.Kubescape that this package gives a meaning.
const (
	// The part of a pod selector that Workload.Labels cannot express.
	KeyMatchExpressions = "matchExpressions"
	// The architectures that were named but have no syscalls.
	keepArchitectures = "architectures"
)

// goArch spells architectures as GOARCH does.
var goArch = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}

// Is reports whether a document is one of Kubescape's, or a List,
// which is read as one. Documents in the field carry several API groups.
func Is(apiVersion, kind string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	if group == "kubescape.io" || strings.HasSuffix(group, ".kubescape.io") {
		return true
	}
	return apiVersion == "v1" && kind == "List"
}

// Parse reads the Kubescape documents of one file. A
// NetworkNeighborhood is joined with the ApplicationProfile of its workload.
func Parse(file string, docs []*yamlfile.Node) ([]*profile.Profile, error) {
	r := docReader{yamlfile.NewReader(file)}
	var found []*object
	for _, doc := range docs {
		found = append(found, r.documents(doc, "")...)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	var profiles []*profile.Profile
	for _, doc := range joinNeighborhoods(found) {
		profiles = append(profiles, profile.Normalise(doc.profile()))
	}
	return profiles, nil
}

// docReader reads the objects of one file.
type docReader struct{ *yamlfile.Reader }

// object is one document as read, before it is bound to a workload.
type object struct {
	kind       string
	meta       objectMeta
	selector   map[string]string
	kept       map[string]any
	containers []profile.Container
}

// documents reads a document, or the documents of a list. The items of a typed
// list need not repeat their kind.
func (r docReader) documents(n *yamlfile.Node, kind string) []*object {
	kind = cmp.Or(r.Text(r.Lookup(n, "kind")), kind)
	items := r.Lookup(n, "items")
	if itemKind, isList := strings.CutSuffix(kind, "List"); isList && items != nil {
		var found []*object
		for _, item := range r.Items(items) {
			found = append(found, r.documents(item, itemKind)...)
		}
		return found
	}
	switch kind {
	case kindApplicationProfile, kindNetworkNeighborhood, kindContainerProfile:
		return []*object{r.document(n, kind)}
	}
	r.Fail(n, "kind %q: want %s, %s or %s", kind,
		kindApplicationProfile, kindNetworkNeighborhood, kindContainerProfile)
	return nil
}

func (r docReader) document(n *yamlfile.Node, kind string) *object {
	doc := &object{kind: kind}
	if meta := r.Lookup(n, "metadata"); meta != nil {
		doc.meta = objectMeta{
			name:        r.Text(r.Lookup(meta, "name")),
			namespace:   r.Text(r.Lookup(meta, "namespace")),
			labels:      r.Table(r.Lookup(meta, "labels")),
			annotations: r.Table(r.Lookup(meta, "annotations")),
		}
		r.refusePlaceholders(meta, &doc.meta)
	}
	if doc.meta.name == "" {
		r.Fail(n, "metadata.name: a document needs a name")
	}
	if spec := r.Lookup(n, "spec"); spec != nil {
		r.spec(doc, spec)
	}
	return doc
}

// refusePlaceholders reports a template that nobody has rendered: it would
// bind to a workload that cannot exist, and so silently to none.
func (r docReader) refusePlaceholders(n *yamlfile.Node, meta *objectMeta) {
	texts := []string{meta.name, meta.namespace}
	texts = slices.AppendSeq(texts, maps.Values(meta.labels))
	texts = slices.AppendSeq(texts, maps.Values(meta.annotations))
	slices.Sort(texts)
	for _, text := range texts {
		if strings.Contains(text, "$values.") || strings.Contains(text, "{{") {
			r.Fail(n, "%q has a placeholder: render the template first", text)
			return
		}
	}
}

// spec reads the spec of any of the three kinds: what they share has one
// meaning. Only a ContainerProfile may hold a container's fields directly.
func (r docReader) spec(doc *object, n *yamlfile.Node) {
	named := r.architectures(n)
	architectures := slices.Clone(named)
	if len(architectures) == 0 {
		architectures = []string{"amd64", "arm64"}
	}
	flat := containerReader{docReader: r, architectures: architectures}
	for _, field := range r.Fields(n) {
		switch field.Key {
		case "architectures":
		case "matchLabels":
			doc.selector = r.Table(field)
		case KeyMatchExpressions:
			doc.keep(field.Key, r.Any(field))
		case "containers":
			r.group(doc, field, profile.ContainerRegular, architectures)
		case "initContainers":
			r.group(doc, field, profile.ContainerInit, architectures)
		case "ephemeralContainers":
			r.group(doc, field, profile.ContainerEphemeral, architectures)
		case "name":
			flat.c.Name = r.Text(field)
		default:
			if doc.kind == kindContainerProfile && containerFields[field.Key] {
				flat.read(field)
			} else {
				doc.keep(field.Key, r.Any(field))
			}
		}
	}
	if doc.kind == kindContainerProfile {
		doc.addFlat(flat.c)
	}
	silent := slices.DeleteFunc(named, func(arch string) bool {
		return slices.ContainsFunc(doc.containers, func(c profile.Container) bool { return c.Syscalls[arch] != nil })
	})
	if len(silent) > 0 {
		doc.keep(keepArchitectures, anyList(silent))
	}
}

// addFlat adds the container whose fields stand in the spec itself, if it has
// any or is named.
func (d *object) addFlat(c profile.Container) {
	name, typ := d.meta.container()
	if name == "" && reflect.DeepEqual(c, profile.Container{}) {
		return
	}
	c.Name, c.Type = cmp.Or(name, c.Name), typ
	d.containers = append(d.containers, c)
}

// architectures returns the architectures a spec names, sorted.
func (r docReader) architectures(spec *yamlfile.Node) []string {
	var names []string
	for _, name := range r.Strings(r.Lookup(spec, "architectures")) {
		name = strings.ToLower(name)
		names = append(names, cmp.Or(goArch[name], name))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// containerFields are the fields of a container that a ContainerProfile may
// hold in its spec. All others are the spec's.
var containerFields = map[string]bool{
	"imageID": true, "imageTag": true, "capabilities": true, "syscalls": true, "execs": true, "opens": true,
	"endpoints": true, "ingress": true, "egress": true,
	"seccompProfile": true, "rulePolicies": true, "identifiedCallStacks": true,
}

// group reads one of the three lists of containers. One without a name is an
// error: it would apply to every container.
func (r docReader) group(doc *object, n *yamlfile.Node, typ profile.ContainerType, architectures []string) {
	for _, item := range r.Items(n) {
		c := r.container(item, typ, architectures)
		if c.Name == "" {
			r.Fail(item, "a container needs a name")
		}
		doc.containers = append(doc.containers, c)
	}
}

func (d *object) keep(key string, value any) {
	if value == nil {
		return
	}
	if d.kept == nil {
		d.kept = make(map[string]any)
	}
	d.kept[key] = value
}

// joinNeighborhoods folds each NetworkNeighborhood into the ApplicationProfile
// of the same name or workload. One without a partner stays by itself.
func joinNeighborhoods(docs []*object) []*object {
	joined := make(map[*object]bool)
	partner := func(nn *object, same func(a, b *object) bool) *object {
		for _, ap := range docs {
			if ap.kind == kindApplicationProfile && !joined[ap] && same(ap, nn) {
				return ap
			}
		}
		return nil
	}
	for _, nn := range docs {
		if nn.kind != kindNetworkNeighborhood {
			continue
		}
		ap := cmp.Or(partner(nn, sameName), partner(nn, sameWorkload))
		if ap == nil {
			continue
		}
		ap.join(nn)
		joined[ap], joined[nn] = true, true
	}
	return slices.DeleteFunc(docs, func(d *object) bool {
		return d.kind == kindNetworkNeighborhood && joined[d]
	})
}

func sameName(a, b *object) bool {
	return a.meta.name != "" && a.meta.name == b.meta.name && a.meta.namespace == b.meta.namespace
}

func sameWorkload(a, b *object) bool {
	x, y := a.meta.workload(nil), b.meta.workload(nil)
	return x.Name != "" && x.Namespace == y.Namespace && x.Kind == y.Kind && x.Name == y.Name
}

// join adds the neighborhood nn. The pair is no more complete than either.
func (d *object) join(nn *object) {
	d.containers = append(d.containers, nn.containers...)
	d.selector = nn.selector
	for key, value := range nn.kept {
		d.keep(key, value)
	}
	d.meta.setCompleteness(profile.WorseCompleteness(d.meta.completeness(), nn.meta.completeness()))
	d.meta.labels = union(nn.meta.labels, d.meta.labels)
	d.meta.annotations = union(nn.meta.annotations, d.meta.annotations)
}

// union returns the entries of a and b; those of b win. It is nil when empty.
func union(a, b map[string]string) map[string]string {
	if len(a)+len(b) == 0 {
		return nil
	}
	u := make(map[string]string, len(a)+len(b))
	maps.Copy(u, a)
	maps.Copy(u, b)
	return u
}

func (d *object) profile() *profile.Profile {
	return &profile.Profile{
		APIVersion: profile.APIVersion,
		Kind:       profile.Kind,
		Metadata:   d.meta.metadata(),
		Spec: profile.Spec{
			Workload:   d.meta.workload(d.selector),
			Senses:     d.meta.senses(),
			Containers: d.containers,
			Provenance: d.meta.provenance(),
			Kubescape:  d.kept,
		},
	}
}
