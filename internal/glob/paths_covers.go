package glob

import (
	"strings"

	"bobwatch/internal/names"
)

// coverSegment is one segment of a path pattern, with the "one or more" of a
// final * taken apart into "any number" and "one".
type coverSegment struct {
	kind    coverKind
	pattern names.Pattern // of coverName
}

type coverKind uint8

const (
	coverName    coverKind = iota // a name, or one with holes
	coverDynamic                  // one segment with a name
	coverOne                      // one segment, also the empty one before the first slash
	coverMany                     // any number of segments
)

func coverSegments(pattern string) []coverSegment {
	clean := string(appendClean(nil, []byte(pattern)))
	if clean == "/" {
		clean = ""
	}
	var segments []coverSegment
	for text := range strings.SplitSeq(clean, "/") {
		switch text {
		case Dynamic:
			segments = append(segments, coverSegment{kind: coverDynamic})
		case Wildcard:
			segments = append(segments, coverSegment{kind: coverMany})
		default:
			segments = append(segments, coverSegment{pattern: names.Parse(text)})
		}
	}
	if segments[len(segments)-1].kind == coverMany {
		segments = append(segments, coverSegment{kind: coverOne})
	}
	return segments
}

// coversPath reports whether pattern matches every path that other matches. It
// runs pattern over the segments of other as if they were names: what stands
// for many is matched only by what stands for many. reach[i] says whether
// pattern[:i] covers what was read of other.
func coversPath(pattern, other []coverSegment) bool {
	reach := make([]bool, len(pattern)+1)
	next := make([]bool, len(pattern)+1)
	reach[0] = true
	skipMany(pattern, reach)
	for _, segment := range other {
		clear(next)
		for i, p := range pattern {
			switch {
			case !reach[i]:
			case p.kind == coverMany:
				next[i] = true
			case p.covers(segment):
				next[i+1] = true
			}
		}
		skipMany(pattern, next)
		reach, next = next, reach
	}
	return reach[len(pattern)]
}

// skipMany lets what stands for any number of segments stand for none.
func skipMany(pattern []coverSegment, reach []bool) {
	for i, p := range pattern {
		if reach[i] && p.kind == coverMany {
			reach[i+1] = true
		}
	}
}

func (p coverSegment) covers(segment coverSegment) bool {
	switch p.kind {
	case coverName:
		return segment.kind == coverName && p.pattern.Covers(segment.pattern)
	case coverDynamic:
		name, literal := segment.pattern.Literal()
		return segment.kind == coverDynamic || segment.kind == coverName && (!literal || name != "")
	case coverOne:
		return segment.kind != coverMany
	}
	return false
}
