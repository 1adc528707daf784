package term

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
)

// Format is how a command writes its result.
type Format string

// The formats.
const (
	Table Format = "table"
	JSON  Format = "json"
	YAML  Format = "yaml"
)

// String implements pflag.Value.
func (f *Format) String() string { return string(*f) }

// Set implements pflag.Value.
func (f *Format) Set(text string) error {
	switch Format(text) {
	case Table, JSON, YAML:
		*f = Format(text)
		return nil
	}
	return errors.New("want table, json or yaml")
}

// Type implements pflag.Value.
func (f *Format) Type() string { return "FORMAT" }

// Encode writes value, whose fields have json tags, in a format for machines,
// in printable characters only.
func (f Format) Encode(out io.Writer, value any) error {
	if f == YAML {
		text, err := yaml.MarshalWithOptions(value,
			yaml.Indent(2), yaml.IndentSequence(false), yaml.CustomMarshaler(quoteUnprintable))
		if err != nil {
			return fmt.Errorf("write YAML: %w", err)
		}
		_, err = out.Write(text)
		return err
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	// Outside of texts JSON has printable characters and line ends only.
	_, err := io.WriteString(out, EscapeLines(text.String()))
	return err
}

// quoteUnprintable does for YAML what Escape does for JSON.
func quoteUnprintable(text string) ([]byte, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return []byte(strconv.Quote(text)), nil
	}
	return yaml.Marshal(text)
}

// Line writes a value as JSON on one line of printable characters.
func (Format) Line(out io.Writer, value any) error {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := io.WriteString(out, EscapeLines(text.String()))
	return err
}
