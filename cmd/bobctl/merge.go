package main

import (
	"context"
	"fmt"
	"maps"

	"github.com/spf13/cobra"

	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

type mergeOptions struct {
	terminal *term.Terminal
	workload string
	result   result
}

func newMergeCommand(t *term.Terminal) *cobra.Command {
	o := mergeOptions{terminal: t}
	c := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Join documents about one workload into one",
		Long: `Join documents about one workload into one that allows what any of them allows.

It is a set union, in whatever order. An allowance becomes part of the profile
it is merged with. The result is another document, so that no signature of the
parts is one of the whole. An agent that has the parts needs no merging: it
joins what applies to a container.

All documents have to name the same workload. With --workload, those that apply
to that workload are joined into a document about it alone: a vendor's, which
names no namespace, with your own.`,
		Example: `  bobctl merge node-1.yaml node-2.yaml node-3.yaml | bobctl show -
  bobctl merge --workload shop/Deployment/webapp webapp.yaml allowances.yaml --out webapp-shop.yaml`,
		Args: files,
		RunE: func(c *cobra.Command, args []string) error { return runMerge(c.Context(), o, args) },
	}
	c.Flags().StringVar(&o.workload, "workload", "", "join what applies to the workload `NAMESPACE/KIND/NAME`")
	o.result.register(c.Flags())
	return c
}

func runMerge(_ context.Context, o mergeOptions, paths []string) error {
	var documents []*profile.Profile
	for _, path := range paths {
		read, err := docfile.Profiles(o.terminal, path)
		if err == nil && o.workload != "" {
			read, err = o.narrow(path, read)
		}
		if err != nil {
			return err
		}
		documents = append(documents, read...)
	}
	if o.workload != "" {
		shareLabels(documents)
	}
	merged := documents[0]
	for _, p := range documents[1:] {
		var err error
		if merged, err = profile.Merge(merged, p); err != nil {
			if o.workload == "" {
				return fmt.Errorf("%w; to join what applies to one workload, name it: --workload NAMESPACE/KIND/NAME", err)
			}
			return err
		}
	}
	text, err := docfile.Marshal([]*profile.Profile{merged})
	if err != nil {
		return err
	}
	return o.result.write(o.terminal, text)
}

// narrow returns the documents of a file that apply to the workload, as
// documents about it alone. Labels they ask for stay (see shareLabels).
func (o *mergeOptions) narrow(path string, documents []*profile.Profile) ([]*profile.Profile, error) {
	wanted, err := docfile.ParseWorkload(o.workload)
	if err != nil {
		return nil, term.Usagef("--workload %s: %v", term.Word(o.workload), err)
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
		return nil, fmt.Errorf("%s: no document in it applies to %s", docfile.NameOf(path), term.Word(o.workload))
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
