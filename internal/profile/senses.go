package profile

import "slices"

// AllSenses are the sections that a document can speak for, sorted.
var AllSenses = []Sense{SenseCapabilities, SenseChanges, SenseExecs, SenseNetwork, SenseOpens, SenseSyscalls}

// DefaultSenses are spoken for by a document that does not say for which it
// speaks, sorted.
var DefaultSenses = []Sense{SenseExecs, SenseOpens, SenseSyscalls}

// SensesOf returns the sections that p speaks for about its entry c, sorted. An
// allowance speaks for none: it only adds. Neither does an entry without system
// calls, executions and opens in a document without senses, such as one that was
// a NetworkNeighborhood.
func (p *Profile) SensesOf(c *Container) []Sense {
	switch {
	case p.IsAllowance():
		return nil
	case len(p.Spec.Senses) > 0:
		return p.Spec.Senses
	case c.listsActs():
		return DefaultSenses
	}
	return nil
}

// Guards reports whether p alone is a profile of its entry c.
func (p *Profile) Guards(c *Container) bool { return len(p.SensesOf(c)) > 0 }

func (c *Container) listsActs() bool { return len(c.Syscalls)+len(c.Execs)+len(c.Opens) > 0 }

// JoinSenses returns the sections of either list.
func JoinSenses(a, b []Sense) []Sense {
	return normaliseSenses(slices.Concat(a, b))
}

// MissingSenses returns the sections that b speaks for and a does not.
func MissingSenses(a, b *Profile) []Sense {
	have := a.senses()
	return slices.DeleteFunc(slices.Clone(b.senses()), func(s Sense) bool { return slices.Contains(have, s) })
}

// senses returns the sections that p speaks for, for an allowance as if it were a profile.
func (p *Profile) senses() []Sense {
	if len(p.Spec.Senses) == 0 {
		return DefaultSenses
	}
	return normaliseSenses(p.Spec.Senses)
}

// mergeSenses returns the senses of a and b merged. An allowance adds none to those of a
// profile.
func mergeSenses(a, b *Profile) []Sense {
	switch {
	case a.IsAllowance() && !b.IsAllowance():
		return b.Spec.Senses
	case b.IsAllowance() && !a.IsAllowance():
		return a.Spec.Senses
	case len(a.Spec.Senses)+len(b.Spec.Senses) == 0:
		return nil
	}
	return JoinSenses(a.senses(), b.senses())
}

func normaliseSenses(senses []Sense) []Sense {
	return slices.Compact(slices.Sorted(slices.Values(senses)))
}
