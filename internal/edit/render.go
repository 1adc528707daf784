package edit

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"bobwatch/internal/catalog"
	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
	"bobwatch/internal/render"
	"bobwatch/internal/term"
)

// Render fills in a template, and binds the parameters of a document.
type Render struct {
	Terminal   *term.Terminal
	Values     string   // file with the values of a template
	Helpers    []string // files with named templates
	Helm       render.HelmOptions
	Bind       bool
	Parameters string   // file with the values of parameters
	Set        []string // NAME=VALUE of parameters
	Output     docfile.Output
}

// Run renders the document in a file.
func (o Render) Run(path string) error {
	if o.Values == docfile.Stdin && path == docfile.Stdin {
		return term.Usagef("standard input (-) can be read only once")
	}
	text, err := o.Template(path)
	if err != nil {
		return err
	}
	documents, err := documents.Parse(docfile.NameOf(path), text)
	if err != nil {
		return fmt.Errorf("what was rendered is no document: %w", err)
	}
	if !o.Bind && o.Parameters == "" && len(o.Set) == 0 {
		return o.Output.Write(o.Terminal, text)
	}
	if text, err = o.bound(documents); err != nil {
		return fmt.Errorf("%s: %w", docfile.NameOf(path), err)
	}
	return o.Output.Write(o.Terminal, text)
}

// Template returns the content of the file, filled in if it is a template.
func (o *Render) Template(path string) ([]byte, error) {
	text, err := docfile.Read(o.Terminal.In, path)
	if err != nil {
		return nil, err
	}
	if !render.IsTemplate(text) {
		if o.Values != "" {
			return nil, term.Usagef("%s has no placeholders; the values of a document's parameters are given by --parameters", docfile.NameOf(path))
		}
		return text, nil
	}
	var values []byte
	if o.Values != "" {
		if values, err = docfile.Read(o.Terminal.In, o.Values); err != nil {
			return nil, err
		}
	}
	if bytes.Contains(text, []byte("$values.")) {
		v, err := render.ParseValues(docfile.NameOf(o.Values), values)
		if err != nil {
			return nil, err
		}
		return render.Placeholders(docfile.NameOf(path), text, v)
	}
	o.Helm.Values = values
	o.Helm.Helpers = make(map[string][]byte)
	for _, helper := range o.Helpers {
		if o.Helm.Helpers[filepath.Base(helper)], err = docfile.Read(o.Terminal.In, helper); err != nil {
			return nil, err
		}
	}
	return render.Helm(docfile.NameOf(path), text, o.Helm)
}

// bound returns the documents with their parameters bound.
func (o *Render) bound(documents []*profile.Profile) ([]byte, error) {
	values := make(map[string]string)
	if o.Parameters != "" {
		data, err := docfile.Read(o.Terminal.In, o.Parameters)
		if err != nil {
			return nil, err
		}
		read, err := catalog.ParseValues(docfile.NameOf(o.Parameters), data)
		if err != nil {
			return nil, err
		}
		maps.Copy(values, read)
	}
	for _, assignment := range o.Set {
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
