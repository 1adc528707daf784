package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bobwatch/internal/config"
	"bobwatch/internal/docfile"
	"bobwatch/internal/listing"
	"bobwatch/internal/profile"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/term"
)

// allowanceFile is where allowances go by default.
const allowanceFile = "allowances.yaml"

type allowOptions struct {
	terminal  *term.Terminal
	allowance allowance
	alerts    string
	file      string
	dryRun    bool
	apply     applyOptions
}

func newAllowCommand(t *term.Terminal) *cobra.Command {
	o := allowOptions{terminal: t}
	c := &cobra.Command{
		Use:   "allow (--workload NAMESPACE/KIND/NAME --syscall|--exec|--open ... | --alert FILE)",
		Short: "Accept what an alert reported",
		Long: `Accept what an alert reported.

Alerts carry the command line to paste. What it allows is added to a document
of your own, the allowance, which adds to every document about the workload
and outlives its releases. A part of --workload that is empty is any.

The file is replaced at once and as a whole; nothing changes if it allows the
act already. Its comments are not kept.

With --apply the allowance goes into the cluster, into the ConfigMap
` + allowanceMap + ` of the workload's namespace, and with --key it is signed; then
bobctl waits until the agents of all nodes have taken it in, or says why not. What
is there already has to be signed by the same key. Exits with 3 if it is not, or
an agent refuses it.`,
		Example: `  bobctl allow --workload shop/Deployment/webapp --container web --open /etc/shadow --flags O_RDONLY
  bobctl allow --workload shop/Deployment/webapp --container web --exec /bin/cat --arg cat --arg ⋯
  bobctl allow --workload shop/Deployment/webapp --container web --arch 386 --syscall getpid
  tail -n 1 alerts.json | bobctl allow --alert - --file /etc/bobwatch/profiles --dry-run
  bobctl allow --apply --key ops.key --workload shop/Deployment/webapp --container web --syscall gettid
  bobctl alerts --workload shop/Deployment/webapp -o json | bobctl allow --alert - --apply --key ops.key`,
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.alerts != "" && anyGiven(c.Flags(), new(allowance).register) {
				return term.Usagef("--alert says what to allow; leave the other flags out")
			}
			if err := o.apply.check(c.Flags()); err != nil {
				return err
			}
			return runAllow(c.Context(), o)
		},
	}
	flags := c.Flags()
	o.allowance.register(flags)
	flags.StringVar(&o.alerts, "alert", "", "allow what the alerts in `FILE` report, one JSON object a line")
	flags.StringVarP(&o.file, "file", "f", allowanceFile, "`FILE` to add to, or the directory that holds "+allowanceFile)
	flags.BoolVar(&o.dryRun, "dry-run", false, "write the resulting documents to standard output and change nothing")
	o.apply.register(c, t)
	o.allowance.complete(c)
	completeFlag(c, "arch", "amd64", "arm64", "386", "arm")
	completeFlagBy(c, "workload", fromCluster(&o.apply.cluster, workloads))
	return c
}

// allowance is an act with the workload it is allowed to.
type allowance struct {
	act
	workload string
	arch     string
}

func (a *allowance) register(flags *pflag.FlagSet) {
	flags.StringVar(&a.workload, "workload", "", "`NAMESPACE/KIND/NAME` of the workload")
	a.act.register(flags)
	flags.StringVar(&a.arch, "arch", "", "`ARCH` of --syscall: amd64, arm64, 386 or arm (default: amd64 and arm64)")
}

// profileOf returns the allowance as a document.
func (a *allowance) profile() (*profile.Profile, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	workload, err := docfile.ParseWorkload(a.workload)
	if err != nil {
		return nil, term.Usagef("--workload %s: %v; without a name every workload would be allowed this", term.Word(a.workload), err)
	}
	if a.arch != "" && !syscalls.Supported(a.arch) {
		return nil, term.Usagef("--arch %s: want amd64, arm64, 386 or arm", term.Word(a.arch))
	}
	calls, err := a.calls(a.arch)
	if err != nil {
		return nil, err
	}
	execs, opens := a.entries()
	return profile.Normalise(&profile.Profile{
		APIVersion: profile.APIVersion,
		Kind:       profile.Kind,
		Metadata: profile.Metadata{
			Name:   workload.Name + "-allowances",
			Labels: map[string]string{profile.AllowanceLabel: "true"},
		},
		Spec: profile.Spec{
			Workload: workload,
			Containers: []profile.Container{{
				Name:     a.container,
				Type:     profile.ContainerType(a.typ),
				Syscalls: calls,
				Execs:    execs,
				Opens:    opens,
			}},
		},
	}), nil
}

func runAllow(ctx context.Context, o allowOptions) error {
	additions, refused, err := o.additions()
	if err != nil {
		return err
	}
	if o.apply.wanted {
		return errors.Join(refused, o.applyAll(ctx, additions))
	}
	path := o.file
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, allowanceFile)
	}
	documents, err := readAllowances(path)
	if err != nil {
		return err
	}
	out := o.terminal.Out
	if o.dryRun {
		out = o.terminal.Err // the documents go to out
	}
	changed := false
	for _, addition := range additions {
		next, err := addAllowance(documents, addition)
		if err != nil {
			return err
		}
		if next == nil {
			fmt.Fprintf(out, "%s allows %s already:\n%s", path, listing.Subject(addition), listing.Acts(addition, ' '))
			continue
		}
		documents, changed = next, true
		fmt.Fprintf(out, "%s allows %s:\n%s", path, listing.Subject(addition), listing.Acts(addition, '+'))
		o.warn(addition)
	}
	if err := o.write(path, documents, changed); err != nil {
		return err
	}
	return refused
}

// warn tells what the user may not have meant, once for both architectures.
func (o *allowOptions) warn(addition *profile.Profile) {
	said := make(map[string]bool)
	for _, w := range profile.Warnings(addition) {
		if !said[w.Message] {
			fmt.Fprintf(o.terminal.Err, "warning: %s\n", term.Escape(w.Message))
		}
		said[w.Message] = true
	}
}

// additions returns what to allow, as documents. refused tells of alerts that
// nothing can accept; it does not keep the others from being accepted.
func (o *allowOptions) additions() (additions []*profile.Profile, refused, err error) {
	if o.alerts != "" {
		return alertAllowances(o.terminal, o.alerts)
	}
	addition, err := o.allowance.profile()
	if err != nil {
		return nil, nil, err
	}
	return []*profile.Profile{addition}, nil, nil
}

// readAllowances returns the documents of the file at path; none if there is
// no such file.
func readAllowances(path string) ([]*profile.Profile, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	documents, err := docfile.Parse(path, data)
	if err != nil {
		return nil, err
	}
	for _, p := range documents {
		if !p.IsAllowance() {
			return nil, fmt.Errorf("%s: %s is no allowance but a profile (it lacks the label %s: \"true\"); add to a profile by bobctl patch, or name another --file",
				path, term.Word(p.Metadata.Name), profile.AllowanceLabel)
		}
	}
	return documents, nil
}

// addAllowance returns documents with addition among them, or nil if nothing
// would change.
func addAllowance(documents []*profile.Profile, addition *profile.Profile) ([]*profile.Profile, error) {
	next := append([]*profile.Profile(nil), documents...)
	for i, p := range next {
		if !reflect.DeepEqual(p.Spec.Workload, addition.Spec.Workload) {
			continue
		}
		added := *addition
		added.Metadata = p.Metadata
		merged, err := profile.Merge(p, &added)
		if err != nil {
			return nil, err
		}
		if reflect.DeepEqual(merged.Spec.Containers, p.Spec.Containers) {
			return nil, nil
		}
		next[i] = merged
		return next, nil
	}
	return append(next, addition), nil
}

func (o *allowOptions) write(path string, documents []*profile.Profile, changed bool) error {
	text, err := docfile.Marshal(documents)
	if err != nil {
		return err
	}
	if o.dryRun {
		_, err := o.terminal.Out.Write(text)
		return err
	}
	if !changed {
		return nil
	}
	signed := docfile.Existing(docfile.SignaturePaths(path))
	if len(signed) > 0 && len(documents) > 1 {
		return fmt.Errorf("%s is signed (%s), and a signature is for a file with one document; give this workload another one: --file NAME.yaml",
			path, strings.Join(signed, ", "))
	}
	if err := docfile.Replace(path, text); err != nil {
		return err
	}
	fmt.Fprintln(o.terminal.Out, nextStep(path, len(documents), signed))
	return nil
}

// nextStep says how the allowance gets into force.
func nextStep(path string, documents int, signed []string) string {
	directory := config.Default().Profiles.Directory
	sign := fmt.Sprintf("sign it: bobctl sign --key NAME.key %s", path)
	if documents > 1 {
		sign = "sign it, which takes a file for each workload: bobctl allow --file NAME.yaml"
	}
	if len(signed) > 0 {
		return fmt.Sprintf("Next: %s is out of date; %s", strings.Join(signed, ", "), sign)
	}
	place := fmt.Sprintf("put it into the agent's profile directory (%s)", directory)
	if absolute, err := filepath.Abs(path); err == nil && filepath.Dir(absolute) == directory {
		place = "the agent reads it within a second"
	}
	return fmt.Sprintf("Next: %s, and unless the agent's policy accepts unsigned documents for the namespace, %s", place, sign)
}
