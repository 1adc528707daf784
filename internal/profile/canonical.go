package profile

import (
	"encoding/json"
	"fmt"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
)

// Canonical returns the bytes that are signed: the normalised document as JSON
// in the form of RFC 8785. They are the same for every order and formatting in
// which the document can be written, and nothing is left out of them.
func (p *Profile) Canonical() ([]byte, error) {
	text, err := json.Marshal(Normalise(p))
	if err != nil {
		return nil, fmt.Errorf("canonicalise profile %q: %w", p.Metadata.Name, err)
	}
	canonical, err := jsoncanonicalizer.Transform(text)
	if err != nil {
		return nil, fmt.Errorf("canonicalise profile %q: %w", p.Metadata.Name, err)
	}
	return canonical, nil
}
