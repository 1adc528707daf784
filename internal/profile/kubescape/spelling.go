package kubescape

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"bobwatch/internal/glob"
	"bobwatch/internal/interpreter"
	"bobwatch/internal/names"
	"bobwatch/internal/profile"
	"bobwatch/internal/sensitive"
)

// Kubescape has wildcards for whole segments and arguments only, and no escapes. Reading
// escapes its literal texts. Writing turns a pattern within a name into a whole ⋯, if
// that covers no sensitive place and no code, and leaves out entries that Kubescape
// cannot express. So a document never silently allows an act that nobody observed.

// readPath returns a path of Kubescape's in our spelling.
func readPath(path string) string {
	if !strings.ContainsAny(path, glob.Dynamic+"⟦⟧") {
		return path
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if !glob.IsWildcard(segment) {
			segments[i] = names.QuoteArg(segment)
		}
	}
	return strings.Join(segments, "/")
}

// readArg does that for an argument, in which a ⋯ is a wildcard between slashes
// and as a word.
func readArg(arg string) string {
	if arg == glob.Dynamic || arg == glob.DynamicArgs || !strings.ContainsAny(arg, glob.Dynamic+"⟦⟧") {
		return arg
	}
	text, _ := mapParts(arg, func(part string) (string, bool) { return names.QuoteArg(part), true })
	return text
}

// mapParts replaces each text between white space and slashes in an argument, except for
// a ⋯, until replace reports false.
func mapParts(arg string, replace func(part string) (string, bool)) (text string, ok bool) {
	words, separators := glob.SplitWords(arg)
	for i, word := range words {
		parts := strings.Split(word, "/")
		for k, part := range parts {
			if part == glob.Dynamic {
				continue
			}
			if parts[k], ok = replace(part); !ok {
				return "", false
			}
		}
		words[i] = strings.Join(parts, "/")
	}
	return glob.JoinWords(words, separators), true
}

// spelling says how an entry was written.
type spelling int

const (
	exact spelling = iota
	widened
	unsayable
)

// writePath returns the path pattern that Kubescape can say.
func writePath(path string) (string, spelling) {
	how := exact
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if glob.IsWildcard(segment) || !names.HasPattern(segment) {
			continue
		}
		name, ok := names.Parse(segment).Literal()
		switch {
		case ok && (glob.IsWildcard(name) || !utf8.ValidString(name)):
			return "", unsayable
		case ok:
			segments[i] = name
		case i < 2:
			return "", unsayable // never below the root
		default:
			segments[i] = glob.Dynamic
			if sensitive.Widens(segments, i) {
				return "", unsayable
			}
			how = widened
		}
	}
	return strings.Join(segments, "/"), how
}

// writeArgs does that for the arguments of the program at path.
func writeArgs(path string, args []string) ([]string, spelling) {
	how, written := exact, slices.Clone(args)
	span := interpreter.CodeIn(path, args)
	for i, arg := range args {
		if arg == glob.Dynamic || arg == glob.DynamicArgs {
			continue
		}
		text, ok := writeArg(arg)
		switch {
		case ok:
			written[i] = text
		case i < span.Fixed || span.Has(i):
			return nil, unsayable
		default:
			written[i], how = glob.Dynamic, widened
		}
	}
	return written, how
}

// writeArg returns an argument as Kubescape's users write it, if they can.
func writeArg(arg string) (text string, ok bool) {
	text, ok = mapParts(arg, func(part string) (string, bool) {
		if !names.HasPattern(part) {
			return part, true
		}
		return names.Parse(part).Literal()
	})
	return text, ok && utf8.ValidString(text) && text != glob.Dynamic && text != glob.DynamicArgs
}

// Losses says which entries of p Marshal widens, and which it leaves out because
// widening them would let in something else.
func Losses(p *profile.Profile) []string {
	var losses []string
	say := func(at, what string, how spelling) {
		switch how {
		case widened:
			losses = append(losses, fmt.Sprintf("%s: %s became wider: Kubescape has no pattern within a name", at, what))
		case unsayable:
			losses = append(losses, fmt.Sprintf("%s: %s is left out: Kubescape cannot say it without allowing more than was seen", at, what))
		}
	}
	for i := range p.Spec.Containers {
		c := &p.Spec.Containers[i]
		for j, o := range c.Opens {
			_, how := writePath(o.Path)
			say(fmt.Sprintf("spec.containers[%d].opens[%d]", i, j), o.Path, how)
		}
		for j, e := range c.Execs {
			_, how := writePath(e.Path)
			_, argsHow := writeArgs(e.Path, e.Args)
			say(fmt.Sprintf("spec.containers[%d].execs[%d]", i, j), e.Path, max(how, argsHow))
		}
		if !saysNetwork(&c.Network) {
			at := fmt.Sprintf("spec.containers[%d].network", i)
			losses = append(losses, at+": groups of addresses, listening ports and sockets are left out, and the result does not speak for the network: Kubescape has no place for them")
		}
		if len(c.Changes) > 0 {
			losses = append(losses, fmt.Sprintf("spec.containers[%d].changes: left out: Kubescape has no place for them", i))
		}
	}
	return losses
}
