package kubescape

import (
	"encoding/json"
	"regexp"
	"strings"
)

// quotedText is text that is written in quotes.
type quotedText string

// MarshalYAML implements yaml.BytesMarshaler. JSON's strings are YAML's too.
func (t quotedText) MarshalYAML() ([]byte, error) { return json.Marshal(string(t)) }

// plainText is text that no YAML reader takes for anything else.
var plainText = regexp.MustCompile(`^[/:]?[A-Za-z_][A-Za-z0-9_./@-]*$`)

// ambiguousWord holds the words that are booleans or null in some YAML.
var ambiguousWord = map[string]bool{
	"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "y": true, "n": true, "null": true,
}

// quoteAmbiguous returns a tree of maps, lists and scalars in which all text is
// quoted that is not plain beyond doubt: readers disagree on what else is a
// number, a boolean or a date.
func quoteAmbiguous(value any) any {
	switch v := value.(type) {
	case string:
		if plainText.MatchString(v) && !ambiguousWord[strings.ToLower(v)] {
			return v
		}
		return quotedText(v)
	case []any:
		quoted := make([]any, len(v))
		for i, item := range v {
			quoted[i] = quoteAmbiguous(item)
		}
		return quoted
	case []string:
		return quoteAmbiguous(anyList(v))
	case map[string]any:
		return quoteMap(v)
	case map[string]string:
		return quoteMap(v)
	case map[string][]string:
		return quoteMap(v)
	}
	return value
}

func quoteMap[V any](m map[string]V) map[string]any {
	quoted := make(map[string]any, len(m))
	for key, value := range m {
		quoted[key] = quoteAmbiguous(value)
	}
	return quoted
}
