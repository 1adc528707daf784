package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/rollout"
	"bobwatch/internal/term"
)

func newInstallCommand(t *term.Terminal) *cobra.Command {
	o := rollout.Install{Change: rollout.Change{Terminal: t}}
	c := &cobra.Command{
		Use:   "install FILE (--key KEY | --certificate-identity ... )",
		Short: "Put a document into force on all nodes of a cluster",
		Long: `Put a document into force on all nodes of a cluster. bobctl verifies who signed the
document, shows the changes, asks for confirmation, and writes the document with
its signatures to a ConfigMap. Then it waits until the agent of every node has
loaded the document, or says why one did not. The agents verify the document
again, by their own policy.

The document takes effect in the namespace of the ConfigMap only: --namespace, else
the namespace that the document names, else the context's. Without --bundle and
--signature bobctl uses the signatures next to FILE.

The same command line, run again, changes nothing. Exits with 3 if the document
does not verify or an agent refuses it, and with 1 if an agent does not load it in
time.`,
		Example: `  bobctl install webapp.yaml --key vendor.pub -n shop
  bobctl install webapp.yaml --key vendor.pub -n shop --values webapp.values.yaml --dry-run
  bobctl install allowances.yaml --key ops.pub -n shop --yes --timeout 5m -o json`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Path = args[0]
			return o.Run(c.Context())
		},
	}
	flags := c.Flags()
	registerChange(c, &o.Change)
	o.Trust.Register(flags)
	o.Signed.Register(flags)
	flags.BoolVar(&o.SkipVerify, "insecure-skip-verify", false, "do not verify who signed the document; the agents still do")
	flags.StringVar(&o.Name, "name", "", "`NAME` of the ConfigMap (default: the document's)")
	flags.StringVar(&o.Values, "values", "", "`FILE` with values of the document's parameters, lines of name: value")
	return c
}
