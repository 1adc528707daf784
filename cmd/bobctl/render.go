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

Templates are files with $values.KEY, filled in from a bob.values file, and
files of a Helm chart, filled in from a values file. --bind, --parameters and
--set then replace $(NAME) by the value of the parameter, and fail where a
value is not of the kind that the document declares. What comes out has to be
a document.

The signature of a document is for its parameters unbound: what is rendered has
to be signed again. The agent binds the values of NAME.values.yaml itself.`,
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
	flags.StringVar(&o.Helm.Chart, "chart", "", "`NAME` of the chart (default: what its templates are named after)")
	flags.BoolVar(&o.Bind, "bind", false, "bind parameters to their defaults")
	flags.StringVar(&o.Parameters, "parameters", "", "bind parameters to the values in `FILE`, lines of name: value")
	flags.StringArrayVar(&o.Set, "set", nil, "bind a parameter, as in `NAME=VALUE` (repeatable)")
	o.Output.Register(flags)
	return c
}
