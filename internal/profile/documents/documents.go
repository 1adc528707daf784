// Package documents reads files of documents of every format: Bills of Behavior and
// Kubescape's profiles. It skips objects of other kinds, which a rendered chart also
// holds, and names each of them; it skips no part of a file silently.
package documents

import (
	"fmt"
	"strings"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/kubescape"
	"bobwatch/internal/yamlfile"
)

// Content is the content of a file.
type Content struct {
	Profiles []*profile.Profile // normalised
	Passed   []Object
}

// Object is an object of a kind that is none of ours, such as a Deployment.
type Object struct {
	Kind, Name string
	Line       int
}

func (o Object) String() string {
	return strings.TrimSuffix(o.Kind+" "+o.Name, " ")
}

// Remark says that the object is passed over, and where it stands.
func (o Object) Remark() string {
	return fmt.Sprintf("passes over %s in line %d, which is of another kind", o, o.Line)
}

// Parse reads the documents of one YAML or JSON input: Bills of Behavior and
// Kubescape's profiles, by their apiVersion and kind. name is the file's, for errors. The profiles are normalised.
func Parse(name string, data []byte) ([]*profile.Profile, error) {
	content, err := Read(name, data)
	return content.Profiles, err
}

// Read reads the same as Parse, and names the objects that it skips. An input without any
// document is an error.
func Read(name string, data []byte) (Content, error) {
	docs, err := yamlfile.Documents(name, data)
	if err != nil {
		return Content{}, err
	}
	var content Content
	var foreign []*yamlfile.Node
	for _, doc := range unlisted(name, docs) {
		apiVersion, kind := yamlfile.Head(doc)
		switch {
		case kubescape.Is(apiVersion, kind):
			foreign = append(foreign, doc)
		case isOther(apiVersion, kind):
			content.Passed = append(content.Passed, objectOf(name, doc, kind))
		default:
			p, err := profile.ParseNode(name, doc)
			if err != nil {
				return Content{}, err
			}
			content.Profiles = append(content.Profiles, p)
		}
	}
	imported, err := kubescape.Parse(name, foreign)
	if err != nil {
		return Content{}, err
	}
	content.Profiles = append(content.Profiles, imported...)
	if len(content.Profiles) == 0 {
		return Content{}, fmt.Errorf("%s: no document%s", name, content.others())
	}
	return content, nil
}

// unlisted puts the items of Kubernetes' Lists in their places: they may be of
// any kinds.
func unlisted(name string, docs []*yamlfile.Node) []*yamlfile.Node {
	var all []*yamlfile.Node
	for _, doc := range docs {
		apiVersion, kind := yamlfile.Head(doc)
		r := yamlfile.NewReader(name)
		if items := r.Lookup(doc, "items"); apiVersion == "v1" && kind == "List" && items != nil {
			found := r.Items(items)
			if r.Err() == nil {
				all = append(all, unlisted(name, found)...)
				continue
			}
		}
		all = append(all, doc)
	}
	return all
}

// isOther reports whether an object says clearly that it is none of ours. One
// that nearly says it is has to be an error, or a slip of the pen would leave a
// workload unguarded.
func isOther(apiVersion, kind string) bool {
	group, _, _ := strings.Cut(profile.APIVersion, "/")
	return apiVersion != "" && kind != "" && !strings.Contains(apiVersion, group) && !strings.EqualFold(kind, profile.Kind)
}

func objectOf(name string, doc *yamlfile.Node, kind string) Object {
	r := yamlfile.NewReader(name)
	meta := r.Lookup(doc, "metadata")
	return Object{Kind: kind, Name: r.Text(r.Lookup(meta, "name")), Line: doc.Line()}
}

// others names the skipped objects, for the error that there is no document.
func (c *Content) others() string {
	const most = 5
	if len(c.Passed) == 0 {
		return ""
	}
	var names []string
	for _, o := range c.Passed[:min(most, len(c.Passed))] {
		names = append(names, o.String())
	}
	text := strings.Join(names, ", ")
	if more := len(c.Passed) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return " but " + text + ", which are of other kinds"
}
