package profile

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
)

// mergeKept joins fields of other formats that bobwatch does not understand.
func mergeKept(a, b map[string]any) map[string]any {
	if len(a)+len(b) == 0 {
		return nil
	}
	merged := make(map[string]any, len(a)+len(b))
	maps.Copy(merged, a)
	for key, value := range b {
		if have, ok := merged[key]; ok {
			value = mergeValues(have, value)
		}
		merged[key] = value
	}
	return merged
}

// mergeValues is the least upper bound of two values: maps are joined by key,
// differing lists become the sorted set of both, and of two other values the
// one of higher kind, then of greater JSON text is taken.
func mergeValues(a, b any) any {
	if reflect.DeepEqual(a, b) {
		return a
	}
	if order := cmp.Compare(kindRank(a), kindRank(b)); order != 0 {
		if order < 0 {
			return b
		}
		return a
	}
	switch a := a.(type) {
	case map[string]any:
		return mergeKept(a, b.(map[string]any))
	case []any:
		return sortedByJSON(slices.Concat(a, b.([]any)))
	}
	if jsonText(a) < jsonText(b) {
		return b
	}
	return a
}

// kindRank orders the kinds of JSON values.
func kindRank(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case map[string]any:
		return 3
	case []any:
		return 2
	}
	return 1
}
