package profile

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// The kinds of Kubescape documents.
const (
	kindApplicationProfile  = "ApplicationProfile"
	kindNetworkNeighborhood = "NetworkNeighborhood"
	kindContainerProfile    = "ContainerProfile"

	kubescapeAPIVersion = "spdx.softwarecomposition.kubescape.io/v1beta1"
)

// Keys of Spec.Kubescape that this package gives a meaning.
const (
	// The part of a pod selector that Workload.Labels cannot express.
	keepMatchExpressions = "matchExpressions"
	// The architectures that were named but have no syscalls.
	keepArchitectures = "architectures"
)

// goArch spells architectures as GOARCH does.
var goArch = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}

// isKubescape reports whether a document is one of Kubescape's, or a List,
// which is read as one. Documents in the field carry several API groups.
func isKubescape(apiVersion, kind string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	if group == "kubescape.io" || strings.HasSuffix(group, ".kubescape.io") {
		return true
	}
	return apiVersion == "v1" && kind == "List"
}

// parseKubescape reads the Kubescape documents of one file. A
// NetworkNeighborhood is joined with the ApplicationProfile of its workload.
func parseKubescape(file string, docs []ast.Node) ([]*Profile, error) {
	r := &reader{file: file}
	var found []*kubescapeDocument
	for _, doc := range docs {
		found = append(found, r.documents(&node{ast: doc}, "")...)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	var profiles []*Profile
	for _, doc := range joinNeighborhoods(found) {
		profiles = append(profiles, Normalise(doc.profile()))
	}
	return profiles, nil
}

// kubescapeDocument is one document as read, before it is bound to a workload.
type kubescapeDocument struct {
	kind       string
	meta       kubescapeMeta
	selector   map[string]string
	kept       map[string]any
	containers []Container
}

// documents reads a document, or the documents of a list. The items of a typed
// list need not repeat their kind.
func (r *reader) documents(n *node, kind string) []*kubescapeDocument {
	kind = cmp.Or(r.text(r.lookup(n, "kind")), kind)
	items := r.lookup(n, "items")
	if itemKind, isList := strings.CutSuffix(kind, "List"); isList && items != nil {
		var found []*kubescapeDocument
		for _, item := range r.items(items) {
			found = append(found, r.documents(item, itemKind)...)
		}
		return found
	}
	switch kind {
	case kindApplicationProfile, kindNetworkNeighborhood, kindContainerProfile:
		return []*kubescapeDocument{r.document(n, kind)}
	}
	r.fail(n, "kind %q: want %s, %s or %s", kind,
		kindApplicationProfile, kindNetworkNeighborhood, kindContainerProfile)
	return nil
}

func (r *reader) document(n *node, kind string) *kubescapeDocument {
	doc := &kubescapeDocument{kind: kind}
	if meta := r.lookup(n, "metadata"); meta != nil {
		doc.meta = kubescapeMeta{
			name:        r.text(r.lookup(meta, "name")),
			namespace:   r.text(r.lookup(meta, "namespace")),
			labels:      r.table(r.lookup(meta, "labels")),
			annotations: r.table(r.lookup(meta, "annotations")),
		}
		r.refusePlaceholders(meta, &doc.meta)
	}
	if doc.meta.name == "" {
		r.fail(n, "metadata.name: a document needs a name")
	}
	if spec := r.lookup(n, "spec"); spec != nil {
		r.spec(doc, spec)
	}
	return doc
}

// refusePlaceholders reports a template that nobody has rendered: it would
// bind to a workload that cannot exist, and so silently to none.
func (r *reader) refusePlaceholders(n *node, meta *kubescapeMeta) {
	texts := []string{meta.name, meta.namespace}
	texts = slices.AppendSeq(texts, maps.Values(meta.labels))
	texts = slices.AppendSeq(texts, maps.Values(meta.annotations))
	slices.Sort(texts)
	for _, text := range texts {
		if strings.Contains(text, "$values.") || strings.Contains(text, "{{") {
			r.fail(n, "%q has a placeholder: render the template first", text)
			return
		}
	}
}

// spec reads the spec of any of the three kinds: what they share has one
// meaning. Only a ContainerProfile may hold a container's fields directly.
func (r *reader) spec(doc *kubescapeDocument, n *node) {
	named := r.architectures(n)
	architectures := slices.Clone(named)
	if len(architectures) == 0 {
		architectures = []string{"amd64", "arm64"}
	}
	flat := containerReader{reader: r, architectures: architectures}
	for _, field := range r.fields(n) {
		switch field.key {
		case "architectures":
		case "matchLabels":
			doc.selector = r.table(field)
		case keepMatchExpressions:
			doc.keep(field.key, r.any(field))
		case "containers":
			r.group(doc, field, ContainerRegular, architectures)
		case "initContainers":
			r.group(doc, field, ContainerInit, architectures)
		case "ephemeralContainers":
			r.group(doc, field, ContainerEphemeral, architectures)
		case "name":
			flat.c.Name = r.text(field)
		default:
			if doc.kind == kindContainerProfile && containerFields[field.key] {
				flat.read(field)
			} else {
				doc.keep(field.key, r.any(field))
			}
		}
	}
	if doc.kind == kindContainerProfile {
		doc.addFlat(flat.c)
	}
	silent := slices.DeleteFunc(named, func(arch string) bool {
		return slices.ContainsFunc(doc.containers, func(c Container) bool { return c.Syscalls[arch] != nil })
	})
	if len(silent) > 0 {
		doc.keep(keepArchitectures, anyList(silent))
	}
}

// addFlat adds the container whose fields stand in the spec itself, if it has
// any or is named.
func (d *kubescapeDocument) addFlat(c Container) {
	name, typ := d.meta.container()
	if name == "" && reflect.DeepEqual(c, Container{}) {
		return
	}
	c.Name, c.Type = cmp.Or(name, c.Name), typ
	d.containers = append(d.containers, c)
}

// architectures returns the architectures a spec names, sorted.
func (r *reader) architectures(spec *node) []string {
	var names []string
	for _, name := range r.strings(r.lookup(spec, "architectures")) {
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
func (r *reader) group(doc *kubescapeDocument, n *node, typ ContainerType, architectures []string) {
	for _, item := range r.items(n) {
		c := r.container(item, typ, architectures)
		if c.Name == "" {
			r.fail(item, "a container needs a name")
		}
		doc.containers = append(doc.containers, c)
	}
}

func (d *kubescapeDocument) keep(key string, value any) {
	if value == nil {
		return
	}
	if d.kept == nil {
		d.kept = make(map[string]any)
	}
	d.kept[key] = value
}

// joinNeighborhoods folds each NetworkNeighborhood into the ApplicationProfile
// of the same name or workload. What has no partner stays by itself.
func joinNeighborhoods(docs []*kubescapeDocument) []*kubescapeDocument {
	joined := make(map[*kubescapeDocument]bool)
	partner := func(nn *kubescapeDocument, same func(a, b *kubescapeDocument) bool) *kubescapeDocument {
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
	return slices.DeleteFunc(docs, func(d *kubescapeDocument) bool {
		return d.kind == kindNetworkNeighborhood && joined[d]
	})
}

func sameName(a, b *kubescapeDocument) bool {
	return a.meta.name != "" && a.meta.name == b.meta.name && a.meta.namespace == b.meta.namespace
}

func sameWorkload(a, b *kubescapeDocument) bool {
	x, y := a.meta.workload(nil), b.meta.workload(nil)
	return x.Name != "" && x.Namespace == y.Namespace && x.Kind == y.Kind && x.Name == y.Name
}

// join adds the neighborhood nn. The pair is no more complete than either.
func (d *kubescapeDocument) join(nn *kubescapeDocument) {
	d.containers = append(d.containers, nn.containers...)
	d.selector = nn.selector
	for key, value := range nn.kept {
		d.keep(key, value)
	}
	d.meta.setCompleteness(higherOf(completenessRank, d.meta.completeness(), nn.meta.completeness()))
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

func (d *kubescapeDocument) profile() *Profile {
	return &Profile{
		APIVersion: APIVersion,
		Kind:       Kind,
		Metadata:   d.meta.metadata(),
		Spec: Spec{
			Workload:   d.meta.workload(d.selector),
			Containers: d.containers,
			Provenance: d.meta.provenance(),
			Kubescape:  d.kept,
		},
	}
}
