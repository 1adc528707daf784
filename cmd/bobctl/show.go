package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bobwatch/internal/profile"
	"bobwatch/internal/severity"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/term"
)

type showOptions struct {
	terminal *term.Terminal
	format   term.Format
	all      bool
}

func newShowCommand(t *term.Terminal) *cobra.Command {
	o := showOptions{terminal: t}
	c := &cobra.Command{
		Use:   "show FILE...",
		Short: "Say what documents allow, and whom",
		Long: `Say what documents allow, and whom. Of long lists the table shows the
beginning; --all shows everything.`,
		Example: `  bobctl show webapp.yaml
  bobctl show -o json webapp.yaml | jq '.spec.containers[].opens[].path'`,
		Args: files,
		RunE: func(c *cobra.Command, args []string) error { return runShow(c.Context(), o, args) },
	}
	registerFormat(c, &o.format)
	c.Flags().BoolVar(&o.all, "all", false, "show all entries of every list")
	return c
}

func runShow(_ context.Context, o showOptions, paths []string) error {
	var all []*profile.Profile
	for _, path := range paths {
		documents, err := profilesOf(o.terminal.In, path)
		if err != nil {
			return err
		}
		all = append(all, documents...)
	}
	if o.format == term.YAML {
		text, err := marshal(all)
		if err != nil {
			return err
		}
		_, err = o.terminal.Out.Write(text)
		return err
	}
	for i, p := range all {
		if o.format == term.JSON {
			if err := o.format.Encode(o.terminal.Out, p); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(o.terminal.Out)
		}
		if err := o.table(p); err != nil {
			return err
		}
	}
	return nil
}

// shownEntries is how many entries of a list the table shows.
const shownEntries = 20

func (o *showOptions) table(p *profile.Profile) error {
	canonical, err := p.Canonical()
	if err != nil {
		return err
	}
	title := p.Metadata.Name
	if p.Metadata.Version != "" {
		title += " " + p.Metadata.Version
	}
	if p.IsAllowance() {
		title += " (allowance: adds to other documents)"
	}
	o.line("%s", o.terminal.Colour(term.Bold, term.Printable(title)))
	o.line("  applies to    %s", selection(p.Spec.Workload))
	o.line("  provenance    %s", provenance(p.Spec.Provenance))
	for _, parameter := range p.Spec.Parameters {
		o.line("  parameter     %s", parameterLine(parameter))
	}
	o.line("  digest        sha256:%x", sha256.Sum256(canonical))
	for i := range p.Spec.Containers {
		o.container(&p.Spec.Containers[i])
	}
	return nil
}

func (o *showOptions) line(format string, args ...any) {
	fmt.Fprintf(o.terminal.Out, format+"\n", args...)
}

func selection(w profile.Workload) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s in ", cmp.Or(w.Kind, "any workload"), cmp.Or(w.Name, "of any name"))
	if w.Namespace == "" {
		b.WriteString("any namespace")
	} else {
		b.WriteString("namespace " + w.Namespace)
	}
	for _, key := range slices.Sorted(maps.Keys(w.Labels)) {
		fmt.Fprintf(&b, ", %s=%s", key, w.Labels[key])
	}
	return term.Printable(b.String())
}

func provenance(p profile.Provenance) string {
	var parts []string
	add := func(format, value string) {
		if value != "" {
			parts = append(parts, fmt.Sprintf(format, term.Word(value)))
		}
	}
	add("%s", string(p.Completeness))
	add("learned for %s", p.LearnedFor)
	add("from %s", p.From)
	if p.Lost > 0 {
		add("%s records lost", fmt.Sprint(p.Lost))
	}
	if len(p.Kernels) > 0 {
		parts = append(parts, "kernels "+term.JoinWords(p.Kernels))
	}
	return cmp.Or(strings.Join(parts, ", "), "not stated")
}

func parameterLine(p profile.Parameter) string {
	line := fmt.Sprintf("%s (%s", term.Word(p.Name), p.Kind)
	if p.Default != "" {
		line += ", default " + term.Word(p.Default)
	}
	if p.WidestPrefix > 0 {
		line += fmt.Sprintf(", at most /%d", p.WidestPrefix)
	}
	return line + ")"
}

func (o *showOptions) container(c *profile.Container) {
	title := "container " + cmp.Or(c.Name, "(any)")
	if c.Type != "" {
		title = string(c.Type) + " " + title
	}
	o.line("\n%s", o.terminal.Colour(term.Bold, term.Printable(title)))
	o.list("images", c.Images, term.Word)
	for _, arch := range slices.Sorted(maps.Keys(c.Syscalls)) {
		o.syscalls(arch, c.Syscalls[arch])
	}
	o.list("capabilities", c.Capabilities, term.Word)
	list(o, "execs", c.Execs, execLine)
	list(o, "opens", c.Opens, openLine)
	list(o, "egress", c.Network.Egress, neighborLine)
	list(o, "ingress", c.Network.Ingress, neighborLine)
	list(o, "endpoints", c.Endpoints, func(e profile.Endpoint) string {
		words := append([]string{e.Endpoint}, e.Methods...)
		if e.Direction != "" {
			words = append(words, e.Direction)
		}
		return term.JoinWords(words)
	})
}

func (o *showOptions) list(title string, entries []string, line func(string) string) {
	list(o, title, entries, line)
}

// list writes the entries of a section, a line each.
func list[T any](o *showOptions, title string, entries []T, line func(T) string) {
	if len(entries) == 0 {
		return
	}
	o.line("  %s", o.terminal.Colour(term.Cyan, fmt.Sprintf("%s (%d)", title, len(entries))))
	shown := entries
	if !o.all && len(entries) > shownEntries {
		shown = entries[:shownEntries]
	}
	for _, entry := range shown {
		o.line("    %s", line(entry))
	}
	if hidden := len(entries) - len(shown); hidden > 0 {
		o.line("    %s", o.terminal.Colour(term.Dim, fmt.Sprintf("and %d more: --all", hidden)))
	}
}

// syscalls writes the names of calls in lines of text, those that reach out of
// the container in red.
func (o *showOptions) syscalls(arch string, names []string) {
	const width = 76
	o.line("  %s", o.terminal.Colour(term.Cyan, fmt.Sprintf("syscalls %s (%d)", term.Word(arch), len(names))))
	var line strings.Builder
	length := 0
	for _, name := range names {
		if length > 0 && length+1+len(name) > width {
			o.line("    %s", line.String())
			line.Reset()
			length = 0
		}
		if length > 0 {
			line.WriteByte(' ')
			length++
		}
		length += len(name)
		if syscalls.Severity(name) == severity.Critical {
			name = o.terminal.Colour(term.Red, name)
		}
		line.WriteString(name)
	}
	o.line("    %s", line.String())
}

func execLine(e profile.Exec) string {
	switch {
	case len(e.Args) > 0:
		return term.Word(e.Path) + ": " + term.JoinWords(e.Args)
	case e.ArgsRequired:
		return term.Word(e.Path) + ": (no arguments)"
	}
	return term.Word(e.Path) + ": (any arguments)"
}

func openLine(o profile.Open) string {
	return strings.TrimSpace(term.Word(o.Path) + " " + term.JoinWords(o.Flags))
}

func neighborLine(n profile.Neighbor) string {
	parts := []string{cmp.Or(n.Type, "any")}
	parts = append(parts, n.DNSNames...)
	parts = append(parts, n.IPAddresses...)
	for _, port := range n.Ports {
		parts = append(parts, port.Protocol+":"+port.Port)
	}
	if len(n.PodSelector)+len(n.NamespaceSelector) > 0 {
		parts = append(parts, "selected-pods")
	}
	return term.JoinWords(parts)
}
