// Package edit makes documents of documents, for bobctl: it merges, patches,
// renders and converts them.
//
// Its invariant: a file is read whole before one is written, so that both may be
// the same.
package edit

import (
	"fmt"
	"maps"

	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

// Merge joins documents about one workload.
type Merge struct {
	Terminal *term.Terminal
	Workload string // join what applies to it; empty for documents that name the same
	Output   docfile.Output
}

// Run merges the documents of files.
func (o Merge) Run(paths []string) error {
	var documents []*profile.Profile
	for _, path := range paths {
		read, err := docfile.Profiles(o.Terminal, path)
		if err == nil && o.Workload != "" {
			read, err = o.narrow(path, read)
		}
		if err != nil {
			return err
		}
		documents = append(documents, read...)
	}
	if o.Workload != "" {
		shareLabels(documents)
	}
	merged := documents[0]
	for _, p := range documents[1:] {
		var err error
		if merged, err = profile.Merge(merged, p); err != nil {
			if o.Workload == "" {
				return fmt.Errorf("%w; to join what applies to one workload, name it: --workload NAMESPACE/KIND/NAME", err)
			}
			return err
		}
	}
	text, err := docfile.Marshal([]*profile.Profile{merged})
	if err != nil {
		return err
	}
	return o.Output.Write(o.Terminal, text)
}

// narrow returns the documents of a file that apply to the workload, as
// documents about it alone. Labels they ask for stay (see shareLabels).
func (o *Merge) narrow(path string, documents []*profile.Profile) ([]*profile.Profile, error) {
	wanted, err := docfile.ParseWorkload(o.Workload)
	if err != nil {
		return nil, term.Usagef("--workload %s: %v", term.Word(o.Workload), err)
	}
	var narrowed []*profile.Profile
	for _, p := range documents {
		w := p.Spec.Workload
		applies := (w.Namespace == "" || w.Namespace == wanted.Namespace) &&
			(w.Kind == "" || w.Kind == wanted.Kind) && (w.Name == "" || w.Name == wanted.Name)
		if !applies {
			continue
		}
		of := *p
		of.Spec.Workload.Namespace, of.Spec.Workload.Kind, of.Spec.Workload.Name = wanted.Namespace, wanted.Kind, wanted.Name
		narrowed = append(narrowed, &of)
	}
	if len(narrowed) == 0 {
		return nil, fmt.Errorf("%s: no document in it applies to %s", docfile.NameOf(path), term.Word(o.Workload))
	}
	return narrowed, nil
}

// shareLabels has each of the documents, which are about one workload, ask for
// the labels that any of them asks for: the whole holds where all of it does.
func shareLabels(documents []*profile.Profile) {
	labels := make(map[string]string)
	for _, p := range documents {
		maps.Copy(labels, p.Spec.Workload.Labels)
	}
	for _, p := range documents {
		own := p.Spec.Workload.Labels
		p.Spec.Workload.Labels = maps.Clone(labels)
		maps.Copy(p.Spec.Workload.Labels, own) // a label of two values is for Merge to refuse
	}
}
