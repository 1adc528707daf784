package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"bobwatch/internal/allowance"
	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

type patchOptions struct {
	terminal *term.Terminal
	act      allowance.Act
	json     string
	result   result
}

func newPatchCommand(t *term.Terminal) *cobra.Command {
	o := patchOptions{terminal: t}
	c := &cobra.Command{
		Use:   "patch FILE (--syscall|--exec|--open ... | --json PATCH)",
		Short: "Change a document",
		Long: `Change a document: allow something more, or apply a JSON patch (RFC 6902) to its
canonical form, which bobctl convert --to canonical prints.

A system call is added to every architecture that the container has calls for.
--container may be left out if the document has one container. Without --arg a
program is allowed without arguments only.

A signature of the document does not hold for what comes out. To add to a
document that somebody else signed, write an allowance: bobctl allow.`,
		Example: `  bobctl patch webapp.yaml --container web --syscall gettid --out webapp.yaml
  bobctl patch webapp.yaml --exec /usr/bin/ping --arg ping --arg -c --arg ⋯ --arg ⋯
  echo '[{"op":"add","path":"/metadata/version","value":"1.5.0"}]' | bobctl patch webapp.yaml --json -`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.json != "" && anyGiven(c.Flags(), new(allowance.Act).Register) {
				return term.Usagef("give either --json or what to allow")
			}
			return runPatch(c.Context(), o, args[0])
		},
	}
	o.act.Register(c.Flags())
	c.Flags().Lookup("container").Usage = "`NAME` of the container"
	c.Flags().StringVar(&o.json, "json", "", "apply the JSON patch in `FILE`")
	o.result.register(c.Flags())
	completeAct(c)
	return c
}

func runPatch(_ context.Context, o patchOptions, path string) error {
	if o.json == docfile.Stdin && path == docfile.Stdin {
		return term.Usagef("standard input (-) can be read only once")
	}
	if o.json == "" {
		if err := o.act.Check(); err != nil {
			return err
		}
	}
	p, err := docfile.Profile(o.terminal, path)
	if err != nil {
		return err
	}
	if o.json != "" {
		p, err = o.applyJSON(p)
	} else {
		execs, opens := o.act.Entries()
		var network profile.Network
		if network, err = o.act.Network(); err != nil {
			return err
		}
		p, err = profile.Patch(p, profile.Allow{
			Container: o.act.Container,
			Type:      profile.ContainerType(o.act.Typ),
			Syscalls:  o.act.Syscalls,
			Execs:     execs,
			Opens:     opens,
			Network:   network,
		})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", docfile.NameOf(path), err)
	}
	text, err := docfile.Marshal([]*profile.Profile{p})
	if err != nil {
		return err
	}
	if err := o.result.write(o.terminal, text); err != nil {
		return err
	}
	if signed := docfile.Existing(docfile.SignaturePaths(o.result.file)); o.result.file != "" && len(signed) > 0 {
		fmt.Fprintf(o.terminal.Err, "warning: %s is out of date; sign %s again\n", strings.Join(signed, ", "), o.result.file)
	}
	return nil
}

func (o *patchOptions) applyJSON(p *profile.Profile) (*profile.Profile, error) {
	patch, err := docfile.Read(o.terminal.In, o.json)
	if err != nil {
		return nil, err
	}
	return profile.PatchJSON(p, patch)
}
