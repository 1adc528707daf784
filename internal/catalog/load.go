package catalog

import (
	"fmt"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
	"bobwatch/internal/profile/lint"
	"bobwatch/internal/signature"
)

// grant is one verified document: its entries, and its workloads.
type grant struct {
	profile   *profile.Profile // its parameters bound
	trust     signature.Trust
	namespace string             // the only one it has effect in; empty for any
	passed    []documents.Object // of its file, that are none of ours; of the first document only
}

// load verifies one published document. All of its profiles are accepted, or
// none.
func load(v *signature.Verifier, d *Document) ([]grant, error) {
	if d.Err != nil {
		return nil, fmt.Errorf("%s: %w", d.File, d.Err)
	}
	content, err := documents.Read(d.File, d.Data)
	if err != nil {
		return nil, err
	}
	profiles := content.Profiles
	if len(profiles) > 1 && (d.Signatures != nil || d.Values != nil) {
		return nil, fmt.Errorf("%s: %d documents in it: signatures and values are for a file with one", d.File, len(profiles))
	}
	values, err := loadValues(d)
	if err != nil {
		return nil, err
	}
	grants := make([]grant, 0, len(profiles))
	for _, p := range profiles {
		g, err := verify(v, d, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.File, err)
		}
		if g.profile, err = profile.Bind(p, values); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", d.File, errParameter, err)
		}
		grants = append(grants, g)
	}
	grants[0].passed = content.Passed // there is no content without a profile
	return grants, nil
}

// warnings returns likely mistakes of the author.
func (g *grant) warnings() []lint.Warning {
	warnings := lint.Warnings(g.profile)
	for _, o := range g.passed {
		warnings = append(warnings, lint.Warning{Message: o.Remark()})
	}
	return warnings
}

func loadValues(d *Document) (map[string]string, error) {
	if d.Values == nil {
		return nil, nil
	}
	values, err := ParseValues(d.File+": values", d.Values)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errParameter, err)
	}
	return values, nil
}

// verify asks who vouches for p, as it was signed: before its parameters are
// bound.
func verify(v *signature.Verifier, d *Document, p *profile.Profile) (grant, error) {
	workload := p.Spec.Workload
	if d.Namespace != "" {
		if workload.Namespace != "" && workload.Namespace != d.Namespace {
			return grant{}, fmt.Errorf("%w: the document is for %q, its source is in %q", errScope, workload.Namespace, d.Namespace)
		}
		workload.Namespace = d.Namespace
	}
	canonical, err := p.Canonical()
	if err != nil {
		return grant{}, err
	}
	trust, err := v.Verify(signature.Document{
		Canonical:  canonical,
		Namespace:  workload.Namespace,
		Workload:   workload.Name,
		Signatures: d.Signatures,
	})
	if err != nil {
		return grant{}, err
	}
	return grant{trust: trust, namespace: d.Namespace}, nil
}

// appliesTo reports whether the document is for the workload, its source may
// speak for that namespace, and who vouches for it may vouch for it there.
func (g *grant) appliesTo(w *profile.Workload) bool {
	return (g.namespace == "" || g.namespace == w.Namespace) &&
		selects(&g.profile.Spec.Workload, w) &&
		g.trust.Covers(w.Namespace, w.Name)
}

// selects reports whether the selector matches the workload. Its empty fields
// match anything, its labels have to be among the workload's.
func selects(selector, w *profile.Workload) bool {
	for key, value := range selector.Labels {
		if got, ok := w.Labels[key]; !ok || got != value {
			return false
		}
	}
	return (selector.Namespace == "" || selector.Namespace == w.Namespace) &&
		(selector.Kind == "" || selector.Kind == w.Kind) &&
		(selector.Name == "" || selector.Name == w.Name)
}

// isFor reports whether the entry is for the container.
func isFor(c *profile.Container, name string, typ profile.ContainerType) bool {
	return (c.Name == "" || c.Name == name) && regular(c.Type) == regular(typ)
}

// regular spells the type that may be left out.
func regular(t profile.ContainerType) profile.ContainerType {
	if t == "" {
		return profile.ContainerRegular
	}
	return t
}
