// Package redact replaces texts that look like credentials in the arguments of programs,
// before anything keeps, compares or sends them.
//
// Its invariants: the same argument is always replaced in the same way, so that
// what was learned redacted is recognised redacted; the work grows with the
// length of the arguments alone; and arguments without a credential are
// returned as they are, without an allocation.
package redact

import (
	"bytes"
	"fmt"
	"regexp"
)

// Placeholder stands for a credential.
const Placeholder = "<redacted>"

// maxPatterns bounds the patterns that users add.
const maxPatterns = 64

// Redactor replaces credentials. The zero value knows the built-in ones. It is
// immutable.
type Redactor struct {
	patterns []*regexp.Regexp
}

// New returns a redactor that also replaces the matches of patterns: their first group,
// or the whole match. They are regular expressions as of package
// regexp, which takes linear time.
func New(patterns []string) (*Redactor, error) {
	if len(patterns) > maxPatterns {
		return nil, fmt.Errorf("%d patterns: want at most %d", len(patterns), maxPatterns)
	}
	r := &Redactor{}
	for i, text := range patterns {
		p, err := regexp.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("patterns[%d]: %w", i, err)
		}
		if p.MatchString("") {
			return nil, fmt.Errorf("patterns[%d]: %q matches nothing at all, and would do so everywhere", i, text)
		}
		r.patterns = append(r.patterns, p)
	}
	return r, nil
}

// Args returns the NUL-separated arguments args without credentials. If there are none it
// returns args itself; otherwise the result is in buffer, which may grow. found says
// which.
func (r *Redactor) Args(buffer, args []byte) (clean []byte, found bool) {
	s := scanner{args: args, out: buffer[:0]}
	s.scan()
	clean, found = s.result()
	if r == nil {
		return clean, found
	}
	for _, p := range r.patterns {
		if out := replace(p, clean); out != nil {
			clean, found = out, true
		}
	}
	return clean, found
}

// Argument returns one argument of a program without credentials; program and
// before are the arguments that stand before it. found says that it had one.
func (r *Redactor) Argument(before []string, arg string) (clean string, found bool) {
	var line []byte
	for _, other := range before {
		line = append(append(line, other...), 0)
	}
	raw := append(line, arg...)
	out, _ := r.Args(nil, raw)
	clean = string(out[bytes.LastIndexByte(out, 0)+1:])
	return clean, clean != arg
}

// replace is for patterns of users: each match within one argument. It returns
// nil if there is none.
func replace(p *regexp.Regexp, args []byte) []byte {
	var out []byte
	copied := 0
	for start := 0; start <= len(args); {
		end := len(args)
		if i := bytes.IndexByte(args[start:], 0); i >= 0 {
			end = start + i
		}
		if arg := args[start:end]; p.Match(arg) {
			out = append(out, args[copied:start]...)
			out = appendReplaced(out, p, arg)
			copied = end
		}
		start = end + 1
	}
	if out == nil {
		return nil
	}
	return append(out, args[copied:]...)
}

func appendReplaced(out []byte, p *regexp.Regexp, arg []byte) []byte {
	last := 0
	for _, at := range p.FindAllSubmatchIndex(arg, -1) {
		start, end := at[0], at[1]
		if len(at) > 2 && at[2] >= 0 {
			start, end = at[2], at[3]
		}
		out = append(append(out, arg[last:start]...), Placeholder...)
		last = end
	}
	return append(out, arg[last:]...)
}
