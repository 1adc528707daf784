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
		Long: `Put a document into force on all nodes of a cluster: verify who signed it, show
what changes, ask, write it into a ConfigMap with its signatures, and wait until
the agent of every node has taken it in, or says why not. The agents verify it
once more, by their own policy.

It has effect in the namespace of the ConfigMap only. That is --namespace, or
the one that the document names, or the context's. Without --bundle and
--signature the signatures beside FILE are used.

Again, the same line changes nothing. Exits with 3 if the document is not
verified or an agent refuses it, with 1 if an agent did not take it in in time.`,
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
	flags.BoolVar(&o.SkipVerify, "insecure-skip-verify", false, "do not verify who signed it; the agents do")
	flags.StringVar(&o.Name, "name", "", "`NAME` of the ConfigMap (default: the document's)")
	flags.StringVar(&o.Values, "values", "", "values of the document's parameters in `FILE`, lines of name: value")
	return c
}
