package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"bobwatch/internal/catalog"
	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
	"bobwatch/internal/render"
	"bobwatch/internal/term"
)

type renderOptions struct {
	terminal   *term.Terminal
	values     string
	helpers    []string
	helm       render.HelmOptions
	bind       bool
	parameters string
	set        []string
	result     result
}

func newRenderCommand(t *term.Terminal) *cobra.Command {
	o := renderOptions{terminal: t}
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
		RunE: func(c *cobra.Command, args []string) error { return runRender(c.Context(), o, args[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&o.values, "values", "", "`FILE` with the values of a template")
	flags.StringArrayVar(&o.helpers, "helper", nil, "`FILE` with named templates of a chart, such as _helpers.tpl (repeatable)")
	flags.StringVar(&o.helm.Release, "release", "release", "`NAME` of the chart's release")
	flags.StringVar(&o.helm.Namespace, "namespace", "default", "`NAMESPACE` of the chart's release")
	flags.StringVar(&o.helm.Chart, "chart", "", "`NAME` of the chart (default: what its templates are named after)")
	flags.BoolVar(&o.bind, "bind", false, "bind parameters to their defaults")
	flags.StringVar(&o.parameters, "parameters", "", "bind parameters to the values in `FILE`, lines of name: value")
	flags.StringArrayVar(&o.set, "set", nil, "bind a parameter, as in `NAME=VALUE` (repeatable)")
	o.result.register(flags)
	return c
}

func runRender(_ context.Context, o renderOptions, path string) error {
	if o.values == docfile.Stdin && path == docfile.Stdin {
		return term.Usagef("standard input (-) can be read only once")
	}
	text, err := o.template(path)
	if err != nil {
		return err
	}
	documents, err := documents.Parse(docfile.NameOf(path), text)
	if err != nil {
		return fmt.Errorf("what was rendered is no document: %w", err)
	}
	if !o.bind && o.parameters == "" && len(o.set) == 0 {
		return o.result.write(o.terminal, text)
	}
	if text, err = o.bound(documents); err != nil {
		return fmt.Errorf("%s: %w", docfile.NameOf(path), err)
	}
	return o.result.write(o.terminal, text)
}

// template returns the content of the file, filled in if it is a template.
func (o *renderOptions) template(path string) ([]byte, error) {
	text, err := docfile.Read(o.terminal.In, path)
	if err != nil {
		return nil, err
	}
	if !render.IsTemplate(text) {
		if o.values != "" {
			return nil, term.Usagef("%s has no placeholders; the values of a document's parameters are given by --parameters", docfile.NameOf(path))
		}
		return text, nil
	}
	var values []byte
	if o.values != "" {
		if values, err = docfile.Read(o.terminal.In, o.values); err != nil {
			return nil, err
		}
	}
	if bytes.Contains(text, []byte("$values.")) {
		v, err := render.ParseValues(docfile.NameOf(o.values), values)
		if err != nil {
			return nil, err
		}
		return render.Placeholders(docfile.NameOf(path), text, v)
	}
	o.helm.Values = values
	o.helm.Helpers = make(map[string][]byte)
	for _, helper := range o.helpers {
		if o.helm.Helpers[filepath.Base(helper)], err = docfile.Read(o.terminal.In, helper); err != nil {
			return nil, err
		}
	}
	return render.Helm(docfile.NameOf(path), text, o.helm)
}

// bound returns the documents with their parameters bound.
func (o *renderOptions) bound(documents []*profile.Profile) ([]byte, error) {
	values := make(map[string]string)
	if o.parameters != "" {
		data, err := docfile.Read(o.terminal.In, o.parameters)
		if err != nil {
			return nil, err
		}
		read, err := catalog.ParseValues(docfile.NameOf(o.parameters), data)
		if err != nil {
			return nil, err
		}
		maps.Copy(values, read)
	}
	for _, assignment := range o.set {
		name, value, ok := strings.Cut(assignment, "=")
		if !ok {
			return nil, term.Usagef("--set %s: want NAME=VALUE", term.Word(assignment))
		}
		values[name] = value
	}
	bound := make([]*profile.Profile, len(documents))
	for i, p := range documents {
		var err error
		if bound[i], err = profile.Bind(p, values); err != nil {
			return nil, err
		}
	}
	return docfile.Marshal(bound)
}
