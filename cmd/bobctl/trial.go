package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bobwatch/internal/catalog"
	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/report"
	"bobwatch/internal/term"
	"bobwatch/internal/trial"
)

// trialOptions are those of the command test.
type trialOptions struct {
	terminal  *term.Terminal
	format    term.Format
	duration  time.Duration
	baseline  []string
	values    string
	junit     string
	html      string
	patch     string
	local     trial.Local
	inCluster trial.Cluster
}

func newTestCommand(t *term.Terminal) *cobra.Command {
	o := trialOptions{terminal: t}
	o.local.Terminal, o.inCluster.Terminal = t, t
	o.local.Tool = "bobctl " + version
	c := &cobra.Command{
		Use:   "test BOB (--workload NAMESPACE/KIND/NAME | --file MANIFEST | --container ID | -- CMD)",
		Short: "Hold a workload to a document for a while, and report",
		Long: `Hold a workload to a document for a while, under your load, and report what it
did that the document does not list, who did it, what of it only tells platforms
apart, and what of the document was never made use of.

In a cluster it is watched by bobctl itself on the nodes, in the agents' pods
(which takes the right to create pods/exec there); nothing is changed, and the
document need not be signed or in force. With --file the workload is deployed,
watched from its start, and removed again. On this machine a container is
watched, or a program that is started.

The report says in which way its knowledge is incomplete. If nothing was
observed, or something was lost, no deviation is no pass.

Exits with 0 if it passed, with 3 if it deviated, and with 1 if that cannot be
said.`,
		Example: `  bobctl test webapp.yaml --workload shop/deploy/webapp --for 5m --html report.html
  bobctl test webapp.yaml --file bob.test.yaml --junit report.xml --patch allowances.yaml
  bobctl test redis.yaml --for 20s -- redis-server --port 7777
  bobctl test webapp.yaml --baseline allowances.yaml --container web -o json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			bob, command, err := splitCommand(args, c.ArgsLenAtDash())
			if err != nil {
				return err
			}
			o.local.Args = command
			return runTest(c.Context(), o, bob)
		},
	}
	flags := c.Flags()
	registerFormat(c, &o.format)
	flags.DurationVar(&o.duration, "for", time.Minute, "watch for `TIME`; CMD may end before")
	flags.StringArrayVar(&o.baseline, "baseline", nil, "`FILE` with documents that hold besides BOB, such as allowances (repeatable)")
	flags.StringVar(&o.values, "values", "", "`FILE` with the values of BOB's parameters or placeholders")
	flags.StringVar(&o.junit, "junit", "", "write the report to `FILE` as JUnit's XML")
	flags.StringVar(&o.html, "html", "", "write the report to `FILE` as a page to look at")
	flags.StringVar(&o.patch, "patch", "", "write to `FILE` the allowance that would make it pass, if it deviated")
	o.local.Register(flags)
	o.inCluster.Register(flags)
	completeCluster(c, &o.inCluster.Flags)
	return c
}

// splitCommand tells the document from the program that is behind "--".
func splitCommand(args []string, dash int) (bob string, command []string, err error) {
	if dash >= 0 {
		args, command = args[:dash], args[dash:]
	}
	if len(args) != 1 {
		return "", nil, term.Usagef("want 1 BOB, got %d; a program stands behind --", len(args))
	}
	return args[0], command, nil
}

// trialWatcher observes the workload that a command line names, and holds it to
// a document for a time.
type trialWatcher interface {
	// chosen says whether the command line named something for it to watch.
	Chosen() bool
	Observe(ctx context.Context, document *profile.Profile, d time.Duration) (report.Trial, error)
}

func runTest(ctx context.Context, o trialOptions, bob string) error {
	if o.duration <= 0 {
		return term.Usagef("--for %s: want a time to come", o.duration)
	}
	var watchers []trialWatcher
	for _, w := range []trialWatcher{&o.local, &o.inCluster} {
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
	trial, err := watchers[0].Observe(ctx, document, o.duration)
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
func (o *trialOptions) document(bob string) (*profile.Profile, error) {
	p, err := o.bound(bob)
	if err != nil {
		return nil, err
	}
	for _, path := range o.baseline {
		more, err := docfile.Profiles(o.terminal, path)
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
func (o *trialOptions) bound(path string) (*profile.Profile, error) {
	render := renderOptions{terminal: o.terminal, values: o.values}
	text, err := docfile.Read(o.terminal.In, path)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string)
	if bytes.Contains(text, []byte("$values.")) {
		if text, err = render.template(path); err != nil {
			return nil, err
		}
	} else if o.values != "" {
		data, err := docfile.Read(o.terminal.In, o.values)
		if err != nil {
			return nil, err
		}
		read, err := catalog.ParseValues(docfile.NameOf(o.values), data)
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
func (o *trialOptions) write(r *report.Report) error {
	for path, form := range map[string]func(*bytes.Buffer) error{
		o.junit: func(b *bytes.Buffer) error { return r.JUnit(b) },
		o.html:  func(b *bytes.Buffer) error { return r.HTML(b) },
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
	if o.format != term.Table {
		return o.format.Encode(o.terminal.Out, r)
	}
	trial.WriteReport(o.terminal, r, o.patch)
	return nil
}

// writePatch writes the allowance, and leaves a file alone if there is none.
func (o *trialOptions) writePatch(r *report.Report) error {
	if o.patch == "" || r.Patch == nil {
		return nil
	}
	text, err := docfile.Marshal([]*profile.Profile{r.Patch})
	if err != nil {
		return err
	}
	return docfile.Replace(o.patch, text)
}
