package sensitive

import (
	"bytes"
	"strings"

	"bobwatch/internal/glob"
	"bobwatch/internal/names"
	"bobwatch/internal/severity"
)

// place is one sensitive place, or a family of them. It is written as a path
// whose segments are names or
//
//	⋯    any one segment that differs from run to run, such as a pid: the only
//	     one for which a generalised path may have a wildcard
//	+    any one segment
//	**   any number of segments, also none
//	~    a top-level directory in which somebody may live
//	..gen  behind a **: the directory of one generation of a ConfigMap, Secret
//	     or token, or none; a generalised path may have a wildcard for it
//	x*y  a name that begins with x and ends with y
//
// Matching runs the segments through a small automaton: bit i of a state is
// set when the place's first i segments have been matched. A place has fewer
// than 16 segments.
type place struct {
	grade    severity.Severity
	guarded  bool // no generalised path may widen over it
	segments []placeSegment
}

type placeSegment struct {
	kind           placeKind
	prefix, suffix string // of a placeAffix; a placeName has only a prefix
}

type placeKind uint8

const (
	placeName placeKind = iota
	placeAffix
	placeVolatile
	placeAny
	placeMany
	placeHome
	placeGeneration
)

func compilePlaces(grade severity.Severity, guarded bool, paths ...string) []place {
	compiled := make([]place, 0, len(paths))
	for _, path := range paths {
		p := place{grade: grade, guarded: guarded}
		for segment := range strings.SplitSeq(path[1:], "/") {
			p.segments = append(p.segments, compilePlaceSegment(segment))
		}
		compiled = append(compiled, p)
	}
	return compiled
}

func compilePlaceSegment(segment string) placeSegment {
	switch segment {
	case glob.Dynamic:
		return placeSegment{kind: placeVolatile}
	case "+":
		return placeSegment{kind: placeAny}
	case "**":
		return placeSegment{kind: placeMany}
	case "..gen":
		return placeSegment{kind: placeGeneration}
	case "~":
		return placeSegment{kind: placeHome}
	}
	if prefix, suffix, ok := strings.Cut(segment, "*"); ok {
		return placeSegment{kind: placeAffix, prefix: prefix, suffix: suffix}
	}
	return placeSegment{kind: placeName, prefix: segment}
}

// optional reports whether the segment may stand for none.
func (s *placeSegment) optional() bool { return s.kind == placeMany || s.kind == placeGeneration }

// accepts reports whether the segment stands for name.
func (s *placeSegment) accepts(name []byte) bool {
	switch s.kind {
	case placeName:
		return string(name) == s.prefix
	case placeAffix:
		return len(name) >= len(s.prefix)+len(s.suffix) &&
			bytes.HasPrefix(name, []byte(s.prefix)) && bytes.HasSuffix(name, []byte(s.suffix))
	case placeHome:
		return !notHomes[string(name)]
	case placeGeneration:
		return false // the ** before it takes the name
	default:
		return true
	}
}

// start is the state before the first segment.
func (p *place) start() uint16 { return p.skipMany(1) }

// skipMany adds the states reached by letting a ** or a ..gen stand for no
// segment.
func (p *place) skipMany(state uint16) uint16 {
	for i := range p.segments {
		if state&(1<<i) != 0 && p.segments[i].optional() {
			state |= 1 << (i + 1)
		}
	}
	return state
}

// step returns the state after one more segment, which is name.
func (p *place) step(state uint16, name []byte) uint16 {
	var next uint16
	for i := range p.segments {
		if state&(1<<i) == 0 {
			continue
		}
		if s := &p.segments[i]; s.kind == placeMany {
			next |= 1 << i
		} else if s.accepts(name) {
			next |= 1 << (i + 1)
		}
	}
	return p.skipMany(next)
}

func (p *place) matches(path []byte) bool {
	rest, ok := bytes.CutPrefix(path, []byte("/"))
	if !ok {
		return false
	}
	state := p.start()
	for more := true; more && state != 0; {
		var name []byte
		name, rest, more = bytes.Cut(rest, []byte("/"))
		state = p.step(state, name)
	}
	return state&(1<<len(p.segments)) != 0
}

// widenedBy reports whether a pattern matches the place with a wildcard that
// the place does not have. exact are the states reached without one. The ⋯ at
// fresh does not stand for a generation.
func (p *place) widenedBy(pattern []string, fresh int) bool {
	exact, widened := p.start(), uint16(0)
	for i, segment := range pattern {
		switch segment {
		case glob.Dynamic:
			kept, widening := p.stepDynamic(exact, i != fresh)
			again, other := p.stepDynamic(widened, i != fresh)
			exact, widened = kept, widening|again|other
		case glob.Wildcard:
			widened = p.stepWildcard(exact | widened)
		default:
			name := names.Parse(segment)
			if literal, ok := name.Literal(); ok {
				exact, widened = p.step(exact, []byte(literal)), p.step(widened, []byte(literal))
			} else {
				kept, widening := p.stepPart(exact, name)
				again, other := p.stepPart(widened, name)
				exact, widened = kept, widening|again|other
			}
		}
		if exact|widened == 0 {
			return false
		}
	}
	return widened&(1<<len(p.segments)) != 0
}

// stepDynamic returns the states after one ⋯: those in which it stood for a ⋯
// of the place, and those in which it stood for something else. If it may stand
// for a generation and one is expected, it does so rather than for the last
// name of the ** before.
func (p *place) stepDynamic(state uint16, generation bool) (kept, other uint16) {
	var within uint16
	for i := range p.segments {
		if state&(1<<i) == 0 {
			continue
		}
		switch p.segments[i].kind {
		case placeVolatile:
			kept |= 1 << (i + 1)
		case placeGeneration:
			if generation {
				kept |= 1 << (i + 1)
			}
		case placeMany:
			if generation && i+1 < len(p.segments) && p.segments[i+1].kind == placeGeneration {
				within |= 1 << i
			} else {
				other |= 1 << i
			}
		default:
			other |= 1 << (i + 1)
		}
	}
	return p.skipMany(kept), p.skipMany(other) | within
}

// stepPart is stepDynamic for a name with holes. If in doubt, it takes the name for every
// text that the holes may stand for.
func (p *place) stepPart(state uint16, name names.Pattern) (kept, other uint16) {
	for i := range p.segments {
		if state&(1<<i) == 0 {
			continue
		}
		switch s := &p.segments[i]; s.kind {
		case placeVolatile:
			kept |= 1 << (i + 1)
		case placeMany:
			other |= 1 << i
		case placeName:
			if name.Match([]byte(s.prefix)) {
				other |= 1 << (i + 1)
			}
		case placeAffix:
			if name.MayMatch(s.prefix, s.suffix) {
				other |= 1 << (i + 1)
			}
		case placeAny, placeHome:
			other |= 1 << (i + 1)
		}
	}
	return p.skipMany(kept), p.skipMany(other)
}

// stepWildcard returns the states after a *, which stands for any number of
// segments.
func (p *place) stepWildcard(state uint16) uint16 {
	if state == 0 {
		return 0
	}
	lowest := state & -state
	return uint16(1<<(len(p.segments)+1)-1) &^ (lowest - 1)
}
