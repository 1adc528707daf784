package render

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// placeholder starts every placeholder of the lab's format.
const placeholder = "$values."

var (
	valueLine = regexp.MustCompile(`^([A-Za-z0-9_-]+)\s*=\s*(.*)$`)
	hasUpper  = regexp.MustCompile(`[A-Z]`)
	hasLower  = regexp.MustCompile(`[a-z]`)

	// safeValue holds no character with which a value could end the YAML
	// scalar it is put into, or become a wildcard.
	safeValue = regexp.MustCompile(`^[A-Za-z0-9._/:+~]([A-Za-z0-9._/:@+=~% -]*[A-Za-z0-9._/@+=~%-])?$`)
)

// Values are the contents of a bob.values file.
type Values map[string]string

// ParseValues reads a bob.values file: lines "key = value", empty lines and
// comments that start with #. Keys in lower case are for placeholders; keys in
// upper case are reserved there for tests, and read but never substituted.
func ParseValues(file string, data []byte) (Values, error) {
	if err := checkInput(file, data); err != nil {
		return nil, err
	}
	values := make(Values)
	var errs []error
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		match := valueLine.FindStringSubmatch(line)
		switch {
		case match == nil:
			errs = append(errs, fmt.Errorf("%s:%d: want key = value", file, number))
		case hasUpper.MatchString(match[1]) && hasLower.MatchString(match[1]):
			errs = append(errs, fmt.Errorf("%s:%d: key %s mixes upper and lower case", file, number, match[1]))
		case values.has(match[1]):
			errs = append(errs, fmt.Errorf("%s:%d: key %s a second time", file, number, match[1]))
		case !safeValue.MatchString(match[2]) || strings.Contains(match[2], ": "):
			errs = append(errs, fmt.Errorf("%s:%d: value %q of %s: want letters, digits and ._/:+~, then also spaces and @=%%-",
				file, number, match[2], match[1]))
		default:
			values[match[1]] = match[2]
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return values, nil
}

func (v Values) has(key string) bool {
	_, ok := v[key]
	return ok
}

// Placeholders replaces each $values.<key> in a template by the key's value. A
// key may be followed by a hyphen and more text: of the keys that fit, the
// longest is meant. All placeholders without a value are reported at once.
func Placeholders(file string, template []byte, values Values) ([]byte, error) {
	if err := checkInput(file, template); err != nil {
		return nil, err
	}
	keys := values.keys()
	var out bytes.Buffer
	var errs []error
	number := 0
	for line := range bytes.Lines(template) {
		number++
		for {
			before, after, found := bytes.Cut(line, []byte(placeholder))
			out.Write(before)
			if !found {
				break
			}
			key := leadingKey(keys, after)
			if key == "" {
				errs = append(errs, fmt.Errorf("%s:%d: no value for %s%s", file, number, placeholder, word(after)))
			}
			out.WriteString(values[key])
			if out.Len() > maxOutputBytes {
				return nil, fmt.Errorf("%s: %w: renders to more than %d bytes", file, ErrTooLarge, maxOutputBytes)
			}
			line = after[len(key):]
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// keys returns the keys that may be substituted, the longest first.
func (v Values) keys() []string {
	var keys []string
	for key := range v {
		if !hasUpper.MatchString(key) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b string) int { return len(b) - len(a) })
	return keys
}

// leadingKey returns the longest key text starts with as a word of its own.
func leadingKey(keys []string, text []byte) string {
	for _, key := range keys {
		rest, ok := bytes.CutPrefix(text, []byte(key))
		if ok && (len(rest) == 0 || !isWord(rest[0])) {
			return key
		}
	}
	return ""
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// word returns the beginning of text that could have been meant as a key.
func word(text []byte) string {
	end := slices.IndexFunc(text, func(c byte) bool { return !isWord(c) && c != '-' })
	if end < 0 {
		end = len(text)
	}
	return string(text[:end])
}
