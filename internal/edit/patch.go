package edit

import (
	"fmt"
	"strings"

	"bobwatch/internal/allowance"
	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/patch"
	"bobwatch/internal/term"
)

// Patch changes a document.
type Patch struct {
	Terminal *term.Terminal
	Act      allowance.Act // to allow
	JSON     string        // file of a JSON patch to apply instead
	Output   docfile.Output
}

// Run changes the document in a file.
func (o Patch) Run(path string) error {
	if o.JSON == docfile.Stdin && path == docfile.Stdin {
		return term.Usagef("standard input (-) can be read only once")
	}
	if o.JSON == "" {
		if err := o.Act.Check(); err != nil {
			return err
		}
	}
	p, err := docfile.Profile(o.Terminal, path)
	if err != nil {
		return err
	}
	if o.JSON != "" {
		p, err = o.applyJSON(p)
	} else {
		execs, opens := o.Act.Entries()
		var network profile.Network
		if network, err = o.Act.Network(); err != nil {
			return err
		}
		p, err = patch.Add(p, patch.Allow{
			Container: o.Act.Container,
			Type:      profile.ContainerType(o.Act.Typ),
			Syscalls:  o.Act.Syscalls,
			Execs:     execs,
			Opens:     opens,
			Changes:   o.Act.Changes(),
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
	if err := o.Output.Write(o.Terminal, text); err != nil {
		return err
	}
	if signed := docfile.Existing(docfile.SignaturePaths(o.Output.File)); o.Output.File != "" && len(signed) > 0 {
		fmt.Fprintf(o.Terminal.Err, "warning: %s is out of date; sign %s again\n", strings.Join(signed, ", "), o.Output.File)
	}
	return nil
}

func (o *Patch) applyJSON(p *profile.Profile) (*profile.Profile, error) {
	operations, err := docfile.Read(o.Terminal.In, o.JSON)
	if err != nil {
		return nil, err
	}
	return patch.JSON(p, operations)
}
