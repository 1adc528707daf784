package rule

import (
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"bobwatch/internal/severity"
)

// maxTallied bounds the rules that a Tally counts apart. Ids come from
// configuration as well, and each is a series in /metrics.
const maxTallied = 256

// otherRules stands in a Tally for the rules beyond maxTallied.
const otherRules ID = "other"

const numSeverities = severity.Critical + 1

// Tally counts by rule and severity. The zero value is empty. It is safe for
// concurrent use.
type Tally struct {
	mu     sync.RWMutex // held for a map operation
	counts map[ID]*[numSeverities]atomic.Uint64
}

// Add counts n acts.
func (t *Tally) Add(id ID, s severity.Severity, n uint64) {
	t.row(id)[min(s, severity.Critical)].Add(n)
}

func (t *Tally) row(id ID) *[numSeverities]atomic.Uint64 {
	t.mu.RLock()
	row := t.counts[id]
	t.mu.RUnlock()
	if row != nil {
		return row
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.counts) >= maxTallied && t.counts[id] == nil {
		id = otherRules
	}
	if row = t.counts[id]; row == nil {
		if t.counts == nil {
			t.counts = make(map[ID]*[numSeverities]atomic.Uint64)
		}
		row = new([numSeverities]atomic.Uint64)
		t.counts[id] = row
	}
	return row
}

// Grade is a rule with the severity of an act that broke it.
type Grade struct {
	Rule     ID
	Severity severity.Severity
}

// Counts returns the counts, sorted by rule and severity, without zeros.
func (t *Tally) Counts() iter.Seq2[Grade, uint64] {
	return func(yield func(Grade, uint64) bool) {
		for grade, n := range t.grades() {
			if n > 0 && !yield(grade, n) {
				return
			}
		}
	}
}

// Series is Counts with zeros for the grades that registered rules give: an
// increase shows only in a series that was there before.
func (t *Tally) Series() iter.Seq2[Grade, uint64] {
	return func(yield func(Grade, uint64) bool) {
		for _, r := range registered {
			t.row(r.ID)
		}
		for grade, n := range t.grades() {
			r, known := Lookup(grade.Rule)
			if (n > 0 || known && grade.Severity >= r.Severity) && !yield(grade, n) {
				return
			}
		}
	}
}

func (t *Tally) grades() iter.Seq2[Grade, uint64] {
	t.mu.RLock()
	ids := slices.Sorted(maps.Keys(t.counts))
	t.mu.RUnlock()
	return func(yield func(Grade, uint64) bool) {
		for _, id := range ids {
			row := t.row(id)
			for s := range row {
				if !yield(Grade{id, severity.Severity(s)}, row[s].Load()) {
					return
				}
			}
		}
	}
}

// Total returns the sum of all counts.
func (t *Tally) Total() uint64 {
	var sum uint64
	for _, n := range t.Counts() {
		sum += n
	}
	return sum
}
