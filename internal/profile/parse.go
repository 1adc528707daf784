package profile

import (
	"fmt"

	"bobwatch/internal/yamlfile"
)

// Parse reads the Bills of Behavior of one YAML or JSON input; document.Parse
// reads those of other formats too. name is the file's, for errors, which say
// file, line, column and field. The profiles are normalised.
//
// Reading is strict: an unknown or repeated key, a value of another type, a
// container or parameter named twice are errors. An input that is larger than
// the limits of yamlfile fails with its ErrLimit.
func Parse(name string, data []byte) ([]*Profile, error) {
	docs, err := yamlfile.Documents(name, data)
	if err != nil {
		return nil, err
	}
	profiles := make([]*Profile, len(docs))
	for i, doc := range docs {
		if profiles[i], err = ParseNode(name, doc); err != nil {
			return nil, err
		}
	}
	if len(profiles) == 0 {
		return nil, fmt.Errorf("%s: no document", name)
	}
	return profiles, nil
}

// ParseNode reads one Bill of Behavior of the file name.
func ParseNode(name string, doc *yamlfile.Node) (*Profile, error) {
	var p Profile
	r := yamlfile.NewStrictReader(name)
	r.Decode(doc, &p)
	if err := r.Err(); err != nil {
		return nil, err
	}
	v := validator{Reader: r, root: doc}
	v.profile(&p)
	if err := v.Err(); err != nil {
		return nil, err
	}
	return Normalise(&p), nil
}
