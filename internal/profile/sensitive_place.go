package profile

import (
	"bytes"
	"strings"

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
	case Dynamic:
		return placeSegment{kind: placeVolatile}
	case "+":
		return placeSegment{kind: placeAny}
	case "**":
		return placeSegment{kind: placeMany}
	case "~":
		return placeSegment{kind: placeHome}
	}
	if prefix, suffix, ok := strings.Cut(segment, "*"); ok {
		return placeSegment{kind: placeAffix, prefix: prefix, suffix: suffix}
	}
	return placeSegment{kind: placeName, prefix: segment}
}

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
	default:
		return true
	}
}

// start is the state before the first segment.
func (p *place) start() uint16 { return p.skipMany(1) }

// skipMany adds the states reached by letting a ** stand for no segment.
func (p *place) skipMany(state uint16) uint16 {
	for i := range p.segments {
		if state&(1<<i) != 0 && p.segments[i].kind == placeMany {
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
// the place does not have. exact are the states reached without one.
func (p *place) widenedBy(pattern []string) bool {
	exact, widened := p.start(), uint16(0)
	for _, segment := range pattern {
		switch segment {
		case Dynamic:
			kept, widening := p.stepDynamic(exact)
			again, other := p.stepDynamic(widened)
			exact, widened = kept, widening|again|other
		case Wildcard:
			widened = p.stepWildcard(exact | widened)
		default:
			exact, widened = p.step(exact, []byte(segment)), p.step(widened, []byte(segment))
		}
		if exact|widened == 0 {
			return false
		}
	}
	return widened&(1<<len(p.segments)) != 0
}

// stepDynamic returns the states after one ⋯: those in which it stood for a ⋯
// of the place, and those in which it stood for something else.
func (p *place) stepDynamic(state uint16) (kept, other uint16) {
	for i := range p.segments {
		if state&(1<<i) == 0 {
			continue
		}
		switch p.segments[i].kind {
		case placeVolatile:
			kept |= 1 << (i + 1)
		case placeMany:
			other |= 1 << i
		default:
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
