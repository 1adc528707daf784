package profile

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
)

// Marshal returns p as YAML, normalised, for people to read and for Parse. It
// is printable, whatever names hostile containers chose.
func Marshal(p *Profile) ([]byte, error) {
	text, err := yaml.MarshalWithOptions(Normalise(p),
		yaml.Indent(2), yaml.IndentSequence(false), yaml.CustomMarshaler(quoteUnprintable))
	if err != nil {
		return nil, fmt.Errorf("marshal profile: %w", err)
	}
	return text, nil
}

// quoteUnprintable escapes text with characters that YAML forbids or that
// steer a terminal, and text of several lines, which the library writes in a
// form that it does not always read again. All other text is left to it.
func quoteUnprintable(text string) ([]byte, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return []byte(strconv.Quote(text)), nil // which YAML reads as Go does, for valid UTF-8
	}
	return yaml.Marshal(text)
}
