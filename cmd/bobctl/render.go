package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/edit"
	"bobwatch/internal/term"
)

func newRenderCommand(t *term.Terminal) *cobra.Command {
	o := edit.Render{Terminal: t}
	c := &cobra.Command{
		Use:   "render FILE",
		Short: "Fill in a template, and bind a document's parameters",
		Long: `Fill in a template, and bind a document's parameters.

A template is a file with $values.KEY, which bobctl fills in from a bob.values file,
or a file of a Helm chart, which bobctl fills in from a values file. --bind,
--parameters and --set then replace $(NAME) by the value of the parameter, and
fail if a value is not of the kind that the document declares. The result must be
a document.

A signature covers a document with its parameters unbound, so sign the result
again. The agent binds the values of NAME.values.yaml by itself.`,
		Example: `  bobctl render bob.yaml --values bob.values > webapp.yaml
  bobctl render templates/profile.yaml --values values.yaml --release webapp --namespace shop
  bobctl render webapp.yaml --set clientCIDR=10.1.0.0/16
  bobctl render webapp.yaml --parameters webapp.values.yaml | bobctl convert - --to apparmor`,
		Args: exactly(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.Run(args[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&o.Values, "values", "", "`FILE` with the values of a template")
	flags.StringArrayVar(&o.Helpers, "helper", nil, "`FILE` with named templates of a chart, such as _helpers.tpl (repeatable)")
	flags.StringVar(&o.Helm.Release, "release", "release", "`NAME` of the chart's release")
	flags.StringVar(&o.Helm.Namespace, "namespace", "default", "`NAMESPACE` of the chart's release")
	flags.StringVar(&o.Helm.Chart, "chart", "", "`NAME` of the chart (default: the prefix of its named templates)")
	flags.BoolVar(&o.Bind, "bind", false, "bind parameters to their defaults")
	flags.StringVar(&o.Parameters, "parameters", "", "bind parameters to the values in `FILE`, lines of name: value")
	flags.StringArrayVar(&o.Set, "set", nil, "bind a parameter, as in `NAME=VALUE` (repeatable)")
	o.Output.Register(flags)
	return c
}
