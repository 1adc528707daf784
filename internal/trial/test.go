package trial

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"bobwatch/internal/catalog"
	"bobwatch/internal/docfile"
	"bobwatch/internal/edit"
	"bobwatch/internal/profile"
	"bobwatch/internal/report"
	"bobwatch/internal/term"
)

// Test compares a workload with a document for a while, and writes the report.
type Test struct {
	Terminal *term.Terminal
	Format   term.Format
	Duration time.Duration
	Baseline []string // files of documents that count besides
	Values   string   // file with the values of parameters or placeholders
	JUnit    string   // files to write
	HTML     string
	Patch    string
	Local    Local
	Cluster  Cluster
}

// watcher observes the workload that a command line names, and holds it to
// a document for a time.
type watcher interface {
	// chosen says whether the command line named something for it to watch.
	Chosen() bool
	Observe(ctx context.Context, document *profile.Profile, d time.Duration) (report.Trial, error)
}

// Run watches, compares and reports.
func (o Test) Run(ctx context.Context, bob string) error {
	if o.Duration <= 0 {
		return term.Usagef("--for %s: want a time to come", o.Duration)
	}
	var watchers []watcher
	for _, w := range []watcher{&o.Local, &o.Cluster} {
		if w.Chosen() {
			watchers = append(watchers, w)
		}
	}
	if len(watchers) != 1 {
		return term.Usagef("say one thing to watch: --workload, --file, --container or -- CMD")
	}
	document, err := o.document(bob)
	if err != nil {
		return err
	}
	trial, err := watchers[0].Observe(ctx, document, o.Duration)
	if err != nil {
		return err
	}
	trial.Document = document
	r, err := report.New(trial)
	if err != nil {
		return err
	}
	if err := o.write(r); err != nil {
		return err
	}
	switch r.Verdict {
	case report.Passed:
		return nil
	case report.Deviated:
		return term.ErrFound
	}
	return fmt.Errorf("inconclusive: %s", strings.Join(append([]string{r.Summary}, r.Caveats...), " "))
}

// document returns BOB with its values, joined with the baselines.
func (o *Test) document(bob string) (*profile.Profile, error) {
	p, err := o.bound(bob)
	if err != nil {
		return nil, err
	}
	for _, path := range o.Baseline {
		more, err := docfile.Profiles(o.Terminal, path)
		if err != nil {
			return nil, err
		}
		for _, d := range more {
			joined := *d
			joined.Spec.Workload = p.Spec.Workload // it is the user who says that it holds
			if p, err = profile.Merge(p, &joined); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// bound returns the document at path, its template filled in and its
// parameters bound.
func (o *Test) bound(path string) (*profile.Profile, error) {
	render := edit.Render{Terminal: o.Terminal, Values: o.Values}
	text, err := docfile.Read(o.Terminal.In, path)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string)
	if bytes.Contains(text, []byte("$values.")) {
		if text, err = render.Template(path); err != nil {
			return nil, err
		}
	} else if o.Values != "" {
		data, err := docfile.Read(o.Terminal.In, o.Values)
		if err != nil {
			return nil, err
		}
		read, err := catalog.ParseValues(docfile.NameOf(o.Values), data)
		if err != nil {
			return nil, err
		}
		maps.Copy(values, read)
	}
	documents, err := docfile.Parse(path, text)
	if err != nil {
		return nil, err
	}
	if len(documents) != 1 {
		return nil, fmt.Errorf("%s holds %d documents where one is wanted", docfile.NameOf(path), len(documents))
	}
	p, err := profile.Bind(documents[0], values)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", docfile.NameOf(path), err)
	}
	return p, nil
}

// write writes the report in all the forms that were asked for.
func (o *Test) write(r *report.Report) error {
	for path, form := range map[string]func(*bytes.Buffer) error{
		o.JUnit: func(b *bytes.Buffer) error { return r.JUnit(b) },
		o.HTML:  func(b *bytes.Buffer) error { return r.HTML(b) },
	} {
		if path == "" {
			continue
		}
		var b bytes.Buffer
		if err := form(&b); err != nil {
			return err
		}
		if err := docfile.Replace(path, b.Bytes()); err != nil {
			return err
		}
	}
	if err := o.writePatch(r); err != nil {
		return err
	}
	if o.Format != term.Table {
		return o.Format.Encode(o.Terminal.Out, r)
	}
	WriteReport(o.Terminal, r, o.Patch)
	return nil
}

// writePatch writes the allowance, and leaves a file alone if there is none.
func (o *Test) writePatch(r *report.Report) error {
	if o.Patch == "" || r.Patch == nil {
		return nil
	}
	text, err := docfile.Marshal([]*profile.Profile{r.Patch})
	if err != nil {
		return err
	}
	return docfile.Replace(o.Patch, text)
}
