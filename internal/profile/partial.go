package profile

import "fmt"

// PartialReasons says why a document is partial, each reason in words that can
// follow "partial:". A document that is not has none.
func (p *Provenance) PartialReasons() []string {
	if p.Completeness != Partial {
		return nil
	}
	var reasons []string
	add := func(is bool, format string, args ...any) {
		if is {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	add(p.From == "attach", "its start was not seen")
	add(p.Lost > 0, "records lost: %d", p.Lost)
	add(p.NotKept > 0, "facts that no document can hold: %d", p.NotKept)
	add(p.CutShort, "learning ended before its window")
	add(len(reasons) == 0, "the document does not say why")
	return reasons
}
