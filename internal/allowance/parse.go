package allowance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"bobwatch/internal/alert"
	"bobwatch/internal/docfile"
	"bobwatch/internal/glob"
	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

// maxAlertBytes bounds one line; an alert stays below 64 KiB.
const maxAlertBytes = 256 << 10

// FromAlerts returns what would accept the alerts in a file, one JSON
// object a line. refused names those that nothing can accept.
func FromAlerts(in io.Reader, path string) (additions []*profile.Profile, refused, err error) {
	if path != docfile.Stdin {
		file, err := os.Open(path)
		if err != nil {
			return nil, nil, err
		}
		defer file.Close()
		in = file
	}
	var errs []error
	number := 0
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxAlertBytes)
	for lines.Scan() {
		number++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		at := fmt.Sprintf("%s:%d", docfile.NameOf(path), number)
		a, err := ParseAlert(lines.Bytes())
		if err != nil {
			return nil, nil, fmt.Errorf("%s: not an alert in JSON: %w", at, err)
		}
		if a.Allow == "" {
			errs = append(errs, fmt.Errorf("%s: no document can allow this, or none could without allowing more: %s", at, a.Message))
			continue
		}
		addition, err := Parse(a.Allow)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: allow: %w", at, err)
		}
		additions = append(additions, addition)
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("%s:%d: %w", docfile.NameOf(path), number+1, err)
	}
	if len(additions)+len(errs) == 0 {
		return nil, nil, fmt.Errorf("%s: no alert in it", docfile.NameOf(path))
	}
	return additions, errors.Join(errs...), nil
}

// ParseAlert reads an alert as agents write it.
func ParseAlert(line []byte) (alert.Alert, error) {
	var a alert.Alert
	err := json.Unmarshal(line, &a)
	if err == nil && a.Fingerprint == "" {
		err = errors.New("it has no fingerprint")
	}
	return a, err
}

// Parse reads the allow command of an alert. It may name the act and the
// workload, and no file.
func Parse(line string) (*profile.Profile, error) {
	words, err := splitWords(line)
	if err != nil {
		return nil, err
	}
	if len(words) < 2 || words[0] != "bobctl" || words[1] != "allow" {
		return nil, fmt.Errorf("%s is not a bobctl allow command", term.Word(line))
	}
	flags := pflag.NewFlagSet("allow", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var a Allowance
	a.Register(flags)
	if err := flags.Parse(words[2:]); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return a.Profile()
}

// bare are the characters that stand for themselves in an allow command.
func bare(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	}
	return strings.ContainsRune("/._-+:@%,"+glob.Dynamic, r)
}

// splitWords takes apart what internal/alert has joined, as a shell would:
// bare words, '...', \' and $'...' with octal escapes. Anything else a shell
// gives a meaning to is an error.
func splitWords(line string) ([]string, error) {
	var words []string
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		var b strings.Builder
		for line != "" && line[0] != ' ' {
			part, rest, err := splitPart(line)
			if err != nil {
				return nil, err
			}
			b.WriteString(part)
			line = rest
		}
		words = append(words, b.String())
	}
	return words, nil
}

// splitPart returns the value of the first part of a word, and what follows.
func splitPart(line string) (value, rest string, err error) {
	switch {
	case strings.HasPrefix(line, `\'`):
		return "'", line[2:], nil
	case strings.HasPrefix(line, "$'"):
		return unescape(line[2:])
	case line[0] == '\'':
		value, rest, found := strings.Cut(line[1:], "'")
		if !found {
			return "", "", errors.New("a quote is not closed")
		}
		return value, rest, nil
	}
	rest = strings.TrimLeftFunc(line, bare)
	if rest == line {
		return "", "", fmt.Errorf("%q is not quoted", line[:1])
	}
	return line[:len(line)-len(rest)], rest, nil
}

// unescape reads the inside of $'...'.
func unescape(text string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\'':
			return b.String(), text[i+1:], nil
		case '\\':
			c, width, err := unescapeByte(text[i+1:])
			if err != nil {
				return "", "", err
			}
			b.WriteByte(c)
			i += width
		default:
			b.WriteByte(text[i])
		}
	}
	return "", "", errors.New("a quote is not closed")
}

// unescapeByte reads what follows a backslash: a quote, a backslash, or three
// octal digits.
func unescapeByte(text string) (c byte, width int, err error) {
	if text != "" && (text[0] == '\'' || text[0] == '\\') {
		return text[0], 1, nil
	}
	if len(text) >= 3 {
		if value, err := strconv.ParseUint(text[:3], 8, 8); err == nil {
			return byte(value), 3, nil
		}
	}
	return 0, 0, errors.New("an escape is not of three octal digits")
}
