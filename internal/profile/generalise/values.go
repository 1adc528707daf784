package generalise

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"bobwatch/internal/glob"
	"bobwatch/internal/interpreter"
	"bobwatch/internal/names"
)

// volatileArgs returns argv with the values replaced that differ from run to
// run by the look of them: hashes, UUIDs, times, names of temporary files.
func volatileArgs(path string, argv []string) []string {
	span := interpreter.CodeIn(path, argv)
	replaced := argv
	for i := 1; i < len(argv); i++ {
		value := volatileArg(argv[i])
		if i >= span.Fixed && mayVary(value) {
			value = longNumber.ReplaceAllString(value, "${1}"+names.Number)
		}
		if value == argv[i] || span.Has(i) || i < span.Fixed && !strings.HasPrefix(value, "/") {
			continue
		}
		if len(replaced) > 0 && &replaced[0] == &argv[0] {
			replaced = slices.Clone(argv)
		}
		replaced[i] = value
	}
	return replaced
}

// volatileValue is a UUID, a hash or a Unix time in s, ms, µs or ns.
var volatileValue = regexp.MustCompile(`^(--?[\w-]+=)?(` +
	`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}` +
	`|[0-9a-f]{32,}|[0-9A-F]{32,}` +
	`|1[6-9]\d{8}(\d{3}){0,3})$`)

// longNumber is a day or a time, set apart.
var longNumber = regexp.MustCompile(`(^|[^0-9A-Za-z.])\d{8,20}\b`)

func volatileArg(arg string) string {
	if volatileValue.MatchString(arg) {
		return glob.Dynamic
	}
	prefix, path := "", arg
	if i := strings.Index(arg, "=/"); i >= 0 && strings.HasPrefix(arg, "-") {
		prefix, path = arg[:i+1], arg[i+1:]
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, glob.IsSpace) {
		return arg
	}
	segments := strings.Split(path, "/")
	widenScratch(segments, len(segments))
	return prefix + joinPath(segments)
}

// valueClass returns the kind of varying value that arg is; "" is a plain one.
// Values of --key=value are of one class only for the same key.
func valueClass(arg string) string {
	key, value := "", arg
	if i := strings.IndexByte(arg, '='); i > 0 && arg[0] == '-' {
		key, value = arg[:i+1], arg[i+1:]
	}
	switch {
	case isNumber(value):
		return key + "number"
	case isAddress(value):
		return key + "address"
	case hexLike(value, 8):
		return key + "hash"
	case strings.HasPrefix(value, "/tmp/"), strings.HasPrefix(value, "/var/tmp/"), strings.HasPrefix(value, "/dev/shm/"):
		return key + "temporary"
	case alwaysVolatile.MatchString(value) && !strings.ContainsRune(value, '/'):
		return key + "volatile"
	}
	return ""
}

// isAddress reports whether value is an IP address or prefix, or one with a
// port.
func isAddress(value string) bool {
	if _, err := netip.ParseAddr(value); err == nil {
		return true
	}
	if _, err := netip.ParsePrefix(value); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(value)
	return err == nil
}

// valueGroups proposes, for each argument, to let it vary.
func (g *argGeneraliser) valueGroups(argv []string) []proposal {
	var proposals []proposal
	span := interpreter.CodeIn(g.path, argv)
	for i := 1; i < len(argv); i++ {
		code := span.Has(i) && !strings.HasPrefix(argv[i], "-")
		if i < span.Fixed && !code || argv[i] == glob.DynamicArgs {
			continue
		}
		pattern := slices.Clone(argv)
		pattern[i] = glob.Dynamic
		p := proposal{group: g.hash('v', i, pattern), value: argv[i], pattern: pattern, enough: g.enoughValues}
		if code {
			p.enough = func(values map[string]bool) bool { return len(values) > g.thresholds.Commands }
		}
		proposals = append(proposals, p)
	}
	return proposals
}

func (g *argGeneraliser) enoughValues(values map[string]bool) bool {
	if len(values) < 2 {
		return false
	}
	if len(values) > g.thresholds.Values || values[glob.Dynamic] {
		return true
	}
	options, varying := make(map[string]bool, 1), false
	for value := range values {
		varying = varying || valueClass(value) != ""
		if strings.HasPrefix(value, "-") {
			key, _, _ := strings.Cut(value, "=")
			options[key] = true
		} else {
			options[""] = true
		}
	}
	return varying && len(options) == 1 // the values of two options are two things
}

// similarValues proposes to let all arguments vary that are no options, where
// many commands differ in several of them at once.
func (g *argGeneraliser) similarValues(argv []string) []proposal {
	pattern := slices.Clone(argv)
	for i := interpreter.CodeIn(g.path, argv).Fixed; i < len(argv); i++ {
		if !strings.HasPrefix(argv[i], "-") && argv[i] != glob.DynamicArgs {
			pattern[i] = glob.Dynamic
		}
	}
	if slices.Equal(pattern, argv) {
		return nil
	}
	return []proposal{{
		group:   g.hash('V', len(argv), pattern),
		value:   strings.Join(argv, "\x00"),
		pattern: pattern,
		enough:  func(values map[string]bool) bool { return len(values) > 2*g.thresholds.Values },
	}}
}

// lengths replaces the commands of one program, or of one subcommand of it, that have
// many lengths, by their common beginning.
func (g *argGeneraliser) lengths(set commandSet) commandSet {
	set = g.cutTails(set, 2, func(argv []string) bool { return len(argv) >= 2 && interpreter.CodeIn(g.path, argv).Fixed <= 2 })
	if interpreter.Named(g.path) {
		return set
	}
	return g.cutTails(set, 1, func(argv []string) bool { return interpreter.CodeIn(g.path, argv).Fixed <= 1 })
}

// cutTails lets the commands that begin with the same n arguments go on as
// they like, if they have more than t.Lengths lengths.
func (g *argGeneraliser) cutTails(set commandSet, n int, eligible func(argv []string) bool) commandSet {
	counts := make(map[uint64]map[int]bool)
	for _, argv := range set {
		if eligible(argv) && len(argv) >= n {
			id := g.hash('l', n, argv[:n])
			if counts[id] == nil {
				counts[id] = make(map[int]bool, 1)
			}
			counts[id][len(argv)] = true
		}
	}
	cut := make(commandSet, len(set))
	for _, argv := range set {
		if eligible(argv) && len(argv) >= n && len(counts[g.hash('l', n, argv[:n])]) > g.thresholds.Lengths {
			argv = append(slices.Clone(argv[:n]), glob.DynamicArgs)
		}
		cut.add(argv)
	}
	return cut
}
