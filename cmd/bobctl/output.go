package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
)

// format is how a command writes its result.
type format string

// The formats.
const (
	formatTable format = "table"
	formatJSON  format = "json"
	formatYAML  format = "yaml"
)

// String, Set and Type implement pflag.Value.
func (f *format) String() string { return string(*f) }

func (f *format) Set(text string) error {
	switch format(text) {
	case formatTable, formatJSON, formatYAML:
		*f = format(text)
		return nil
	}
	return errors.New("want table, json or yaml")
}

func (f *format) Type() string { return "FORMAT" }

func (f *format) register(c *cobra.Command) {
	*f = formatTable
	c.Flags().VarP(f, "output", "o", "write the result as table, json or yaml")
	completeFlag(c, "output", string(formatTable), string(formatJSON), string(formatYAML))
}

// completeFlag lets shells offer the values of a flag.
func completeFlag(c *cobra.Command, flag string, values ...string) {
	err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // there is no such flag, or it has values already
	}
}

// encode writes value, whose fields have json tags, in a format for machines,
// in printable characters only.
func (f format) encode(out io.Writer, value any) error {
	if f == formatYAML {
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
	_, err := io.WriteString(out, escapeLines(text.String()))
	return err
}

// quoteUnprintable does for YAML what escapeUnprintable does for JSON.
func quoteUnprintable(text string) ([]byte, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return []byte(strconv.Quote(text)), nil
	}
	return yaml.Marshal(text)
}

// escapeUnprintable escapes what a terminal may obey, as JSON does, and leaves
// everything else as it is.
func escapeUnprintable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// escapeLines does so for each line of text.
func escapeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = escapeUnprintable(line)
	}
	return strings.Join(lines, "\n")
}

// Colours, as of ECMA-48.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
	bold   = "1"
	dim    = "2"
)

// colour returns text in a colour, or as it is where out has none.
func (t *terminal) colour(code, text string) string {
	if !t.colours || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// word quotes what would not stand on a line as one word: documents hold names
// that hostile containers chose.
func word(text string) string {
	odd := func(r rune) bool {
		return !unicode.IsPrint(r) || unicode.IsSpace(r) || r == '"' || r == unicode.ReplacementChar
	}
	if text == "" || strings.ContainsFunc(text, odd) {
		return strconv.Quote(text)
	}
	return text
}

// printable shows text that may have spaces.
func printable(text string) string { return alert.Printable(text, 4096) }

func joinWords(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = word(text)
	}
	return strings.Join(quoted, " ")
}

// marshal returns documents as YAML, each after the first behind "---". It
// makes sure that the same is read again.
func marshal(profiles []*profile.Profile) ([]byte, error) {
	var stream []byte
	for i, p := range profiles {
		text, err := profile.Marshal(p)
		if err != nil {
			return nil, err
		}
		if err := sameAgain(p, text); err != nil {
			return nil, fmt.Errorf("write document %s: %w", word(p.Metadata.Name), err)
		}
		if i > 0 {
			stream = append(stream, "---\n"...)
		}
		stream = append(stream, text...)
	}
	return stream, nil
}

func sameAgain(p *profile.Profile, text []byte) error {
	read, err := profile.Parse("document", text)
	if err != nil {
		return err
	}
	want, err := p.Canonical()
	if err != nil {
		return err
	}
	got, err := read[0].Canonical()
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("it holds text that YAML does not keep")
	}
	return nil
}

// result says where a document goes that a command makes.
type result struct {
	file string
}

func (r *result) register(flags *pflag.FlagSet) {
	flags.StringVar(&r.file, "out", "", "write to `FILE` instead of standard output")
}

func (r *result) write(t *terminal, data []byte) error {
	if r.file == "" || r.file == stdin {
		_, err := t.out.Write(data)
		return err
	}
	return replaceFile(r.file, data)
}

// replaceFile puts data in the place of the file at path, so that a reader
// sees all of it or what was there before. The mode of a file that exists is
// kept; what is no regular file, such as /dev/null, is written to. Until then it has a name that the agent passes over.
func replaceFile(path string, data []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return os.WriteFile(path, data, 0) // a device or a pipe is not to be replaced
		}
		mode = info.Mode().Perm()
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(file.Name()) // fails once it is renamed
	_, err = file.Write(data)
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
