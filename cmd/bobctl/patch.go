package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/allowance"
	"bobwatch/internal/edit"
	"bobwatch/internal/term"
)

func newPatchCommand(t *term.Terminal) *cobra.Command {
	o := edit.Patch{Terminal: t}
	c := &cobra.Command{
		Use:   "patch FILE (--syscall|--exec|--open ... | --json PATCH)",
		Short: "Change a document",
		Long: `Change a document: allow more acts, or apply a JSON patch (RFC 6902) to its
canonical form, which bobctl convert --to canonical prints.

bobctl adds a system call to every architecture for which the container lists
calls. --container is optional if the document has one container. Without --arg,
bobctl allows the program without arguments only.

A signature of the document is not valid for the result. To add to a document that
somebody else signed, write an allowance: bobctl allow.`,
		Example: `  bobctl patch webapp.yaml --container web --syscall gettid --out webapp.yaml
  bobctl patch webapp.yaml --exec /usr/bin/ping --arg ping --arg -c --arg ⋯ --arg ⋯
  echo '[{"op":"add","path":"/metadata/version","value":"1.5.0"}]' | bobctl patch webapp.yaml --json -`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.JSON != "" && anyGiven(c.Flags(), new(allowance.Act).Register) {
				return term.Usagef("give either --json or what to allow")
			}
			return o.Run(args[0])
		},
	}
	o.Act.Register(c.Flags())
	c.Flags().Lookup("container").Usage = "`NAME` of the container"
	c.Flags().StringVar(&o.JSON, "json", "", "apply the JSON patch in `FILE`")
	o.Output.Register(c.Flags())
	completeAct(c)
	return c
}
