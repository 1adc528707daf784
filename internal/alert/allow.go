package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/profile"
)

// maxAllow bounds an allowance as a command, in bytes. A longer one is left out.
const maxAllow = 8192

// Allowance accepts a deviation: it has entries of a document, and the workload that
// they are for. Its strings are literal, unlike those in the rest of an alert; JSON
// escapes unprintable characters.
type Allowance struct {
	Workload  profile.Workload  `json:"workload,omitzero"`
	Container profile.Container `json:"container"`
}

// allowanceOf returns the allowance that accepts the deviation d of subject, or nil
// if no allowance can.
//
// The alert invites its reader to accept the act. So there is no allowance if the
// container chose a name that means more than itself inside a document: a directory
// called "*" must not open the whole tree.
func allowanceOf(subject *Subject, e *event.Event, d *Deviation) *Allowance {
	container, ok := tellerOf(e.Kind).allow(e, d)
	if !ok {
		return nil
	}
	a := &Allowance{Container: container}
	if w := subject.Workload; w.Name != "" {
		a.Workload = profile.Workload{Namespace: w.Namespace, Kind: w.Kind, Name: w.Name}
	}
	a.Container.Name = subject.Container.Name
	a.Container.Type = profile.ContainerType(subject.Container.Type)
	if len(a.String()) > maxAllow {
		return nil
	}
	return a
}

// String returns the bobctl commands that accept the deviation, for people: one
// for each execution and each access to files, joined by &&. They are quoted for
// bash, zsh, ksh and busybox. It is empty for nil.
func (a *Allowance) String() string {
	if a == nil {
		return ""
	}
	var lines []string
	for _, act := range a.acts() {
		lines = append(lines, joinQuoted(slices.Concat(a.subject(), act)))
	}
	return strings.Join(lines, " && ")
}

func (a *Allowance) subject() []string {
	words := []string{"bobctl", "allow"}
	if w := a.Workload; w.Name != "" {
		words = append(words, "--workload", w.Namespace+"/"+w.Kind+"/"+w.Name)
	}
	if name := a.Container.Name; name != "" {
		words = append(words, "--container", name)
	}
	if typ := string(a.Container.Type); typ != "" {
		words = append(words, "--type", typ)
	}
	return words
}

// acts returns the flags of each command.
func (a *Allowance) acts() [][]string {
	var acts [][]string
	c := &a.Container
	native := map[string]bool{}
	for _, arch := range slices.Sorted(maps.Keys(c.Syscalls)) {
		var words []string
		if arch != "amd64" && arch != "arm64" {
			words = append(words, "--arch", arch)
		}
		for _, name := range c.Syscalls[arch] {
			if len(words) == 0 && native[name] {
				continue // bobctl allows it on both
			}
			native[name] = native[name] || arch == "amd64" || arch == "arm64"
			words = append(words, "--syscall", name)
		}
		if slices.Contains(words, "--syscall") {
			acts = append(acts, words)
		}
	}
	for _, exec := range c.Execs {
		words := []string{"--exec", exec.Path}
		for _, arg := range exec.Args {
			words = append(words, "--arg", arg)
		}
		acts = append(acts, words)
	}
	for _, open := range c.Opens {
		words := []string{"--open", open.Path}
		for _, flag := range open.Flags {
			words = append(words, "--flags", flag)
		}
		acts = append(acts, words)
	}
	for _, change := range c.Changes {
		words := []string{"--change", change.Path}
		for _, act := range change.Acts {
			words = append(words, "--acts", act)
		}
		acts = append(acts, words)
	}
	return append(acts, networkActs(&c.Network)...)
}

// MarshalJSON implements json.Marshaler. Runes that cannot be shown, or that
// turn the direction of text, are escaped.
func (a *Allowance) MarshalJSON() ([]byte, error) {
	type plainAllowance Allowance
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode((*plainAllowance)(a)); err != nil {
		return nil, fmt.Errorf("write allowance: %w", err)
	}
	escaped := make([]byte, 0, b.Len())
	for _, r := range string(bytes.TrimSuffix(b.Bytes(), []byte{'\n'})) {
		switch high, low := utf16.EncodeRune(r); {
		case strconv.IsPrint(r):
			escaped = utf8.AppendRune(escaped, r)
		case high == unicode.ReplacementChar:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		}
	}
	return escaped, nil
}

// literalPath returns the path of e if a document can name it as it is: not
// one that lies outside of the container, is incomplete or in memory only.
func literalPath(e *event.Event) (string, bool) {
	path := string(e.Path)
	if !strings.HasPrefix(path, "/") || hasWildcard(path) || !literal(path) {
		return "", false
	}
	return path, true
}

func hasWildcard(path string) bool {
	return slices.Contains(strings.Split(path, "/"), glob.Wildcard)
}

// literal reports whether s stands for itself inside a document: it is text,
// and holds neither a wildcard nor a parameter.
func literal(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) &&
		!strings.Contains(s, glob.Dynamic) && !strings.Contains(s, "$(")
}
