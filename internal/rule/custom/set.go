package custom

import (
	"cmp"
	"fmt"
	"slices"

	"bobwatch/internal/rule"
	"bobwatch/internal/rule/cel"
)

// set builds the Set from the parsed files.
func (p *parser) set() *Set {
	s := &Set{Bindings: p.bindings, Warnings: p.warnings}
	for _, r := range p.rules {
		s.Rules = append(s.Rules, r)
	}
	slices.SortFunc(s.Rules, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	s.warnOfNames()
	for _, r := range s.Rules {
		bounds := s.bindingsOf(r)
		if len(s.Bindings) > 0 && len(bounds) == 0 {
			continue // bound nowhere
		}
		for _, typ := range eventTypes {
			checks := r.expressions[typ.name]
			if len(checks) == 0 {
				continue
			}
			asks := slices.ContainsFunc(checks, func(x *cel.Expression) bool { return x.AsksProfile })
			s.kinds[typ.kind] = append(s.kinds[typ.kind], due{
				rule: r, about: typ, checks: checks, binds: bounds,
				deviating: asks && r.Profile == rule.NeedsProfile,
			})
		}
	}
	return s
}

// bindingsOf returns where r is bound. A binding's own parameters and severity
// come before those of the rule.
func (s *Set) bindingsOf(r *Rule) []bound {
	var bounds []bound
	for _, b := range s.Bindings {
		for i := range b.rules {
			ref := &b.rules[i]
			if !ref.names(r) {
				continue
			}
			grade := r.Severity
			if ref.graded {
				grade = ref.severity
			}
			bounds = append(bounds, bound{b, grade, ref.parameters.over(r.parameters)})
		}
	}
	return bounds
}

// over returns p with missing values taken from base.
func (p parameters) over(base parameters) parameters {
	if p.ignorePrefixes == nil {
		p.ignorePrefixes = base.ignorePrefixes
	}
	if p.includePrefixes == nil {
		p.includePrefixes = base.includePrefixes
	}
	if p.ports == nil {
		p.ports = base.ports
	}
	if p.excludeProcesses == nil {
		p.excludeProcesses = base.excludeProcesses
	}
	if p.excludeParents == nil {
		p.excludeParents = base.excludeParents
	}
	p.direction = cmp.Or(p.direction, base.direction)
	return p
}

// warnOfNames remarks on entries of bindings that name no rule of the files. A
// built-in rule applies everywhere, so that a binding need not name it.
func (s *Set) warnOfNames() {
	for _, b := range s.Bindings {
		for i := range b.rules {
			ref := &b.rules[i]
			if slices.ContainsFunc(s.Rules, ref.names) {
				continue
			}
			if _, ok := rule.Lookup(rule.ID(ref.id)); ok {
				continue
			}
			s.Warnings = append(s.Warnings, fmt.Sprintf("binding %s: no rule is called %q%s", b.Name, ref.id+ref.name, tagsOf(ref)))
		}
	}
}

func tagsOf(r *reference) string {
	if len(r.tags) == 0 {
		return ""
	}
	return fmt.Sprintf(" (tags %q)", r.tags)
}
