package names

import "strings"

// Kinds returns what two names have in common at least if they are a family: it
// saves comparing each with each.
func Kinds(name string) []string {
	skeleton := strings.Map(func(r rune) rune {
		if r < 0x80 && isPart(byte(r)) {
			return 'x'
		}
		return r
	}, name)
	if masked := maskDigits(name); masked != name {
		return []string{masked, skeleton}
	}
	return []string{skeleton}
}

// Holes returns how many holes p has.
func (p Pattern) Holes() int { return len(p.holes) }
