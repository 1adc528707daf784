package profile

import (
	"fmt"

	"github.com/goccy/go-yaml"
)

// Marshal returns p as YAML, normalised, for people to read and for Parse.
func Marshal(p *Profile) ([]byte, error) {
	text, err := yaml.MarshalWithOptions(Normalise(p), yaml.Indent(2), yaml.IndentSequence(false))
	if err != nil {
		return nil, fmt.Errorf("marshal profile: %w", err)
	}
	return text, nil
}
