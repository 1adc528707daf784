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
	canonical, err := canonicalJSON(Normalise(p))
	if err != nil {
		return nil, fmt.Errorf("canonicalise profile %q: %w", p.Metadata.Name, err)
	}
	return canonical, nil
}

// canonicalJSON writes v in the form of RFC 8785.
func canonicalJSON(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsoncanonicalizer.Transform(text)
}
