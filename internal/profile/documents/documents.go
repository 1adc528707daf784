// Package documents reads files of documents of every format: Bills of Behavior
// and Kubescape's profiles.
package documents

import (
	"fmt"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/kubescape"
	"bobwatch/internal/yamlfile"
)

// Parse reads the documents of one YAML or JSON input: Bills of Behavior and
// Kubescape's profiles, which their apiVersion and kind tell apart. name is
// the file's, for errors. The profiles are normalised.
func Parse(name string, data []byte) ([]*profile.Profile, error) {
	docs, err := yamlfile.Documents(name, data)
	if err != nil {
		return nil, err
	}
	var profiles []*profile.Profile
	var foreign []*yamlfile.Node
	for _, doc := range docs {
		if kubescape.Is(yamlfile.Head(doc)) {
			foreign = append(foreign, doc)
			continue
		}
		p, err := profile.ParseNode(name, doc)
		if err != nil {
			return nil, err
		}
		profiles = append(profiles, p)
	}
	imported, err := kubescape.Parse(name, foreign)
	if err != nil {
		return nil, err
	}
	profiles = append(profiles, imported...)
	if len(profiles) == 0 {
		return nil, fmt.Errorf("%s: no document", name)
	}
	return profiles, nil
}
