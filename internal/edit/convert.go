package edit

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/docfile"
	"bobwatch/internal/export"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/kubescape"
	"bobwatch/internal/term"
)

// Convert writes a document in another form.
type Convert struct {
	Terminal  *term.Terminal
	To        string
	Container string // for forms that are for one container
	Seccomp   export.SeccompOptions
	Selector  map[string]string // of the pods of a NetworkPolicy
	Output    docfile.Output
}

var conversions = map[string]func(*profile.Profile, *Convert) ([]byte, error){
	"bob": func(p *profile.Profile, _ *Convert) ([]byte, error) {
		return docfile.Marshal([]*profile.Profile{p})
	},
	"canonical": func(p *profile.Profile, _ *Convert) ([]byte, error) {
		return p.Canonical()
	},
	"ap": func(p *profile.Profile, _ *Convert) ([]byte, error) {
		return kubescapeOf(p, "ApplicationProfile")
	},
	"nn": func(p *profile.Profile, _ *Convert) ([]byte, error) {
		return kubescapeOf(p, "NetworkNeighborhood")
	},
	"cp": func(p *profile.Profile, _ *Convert) ([]byte, error) {
		return kubescape.Marshal(p, kubescape.ContainerProfile)
	},
	"seccomp": func(p *profile.Profile, o *Convert) ([]byte, error) {
		return export.Seccomp(p, o.Container, o.Seccomp)
	},
	"spo": func(p *profile.Profile, o *Convert) ([]byte, error) {
		return export.SeccompProfile(p, o.Container, o.Seccomp)
	},
	"networkpolicy": func(p *profile.Profile, o *Convert) ([]byte, error) {
		text, losses, err := export.NetworkPolicy(p, o.Selector)
		for _, loss := range losses {
			fmt.Fprintf(o.Terminal.Err, "warning: %s\n", term.Escape(loss))
		}
		return text, err
	},
	"apparmor": func(p *profile.Profile, o *Convert) ([]byte, error) {
		return export.AppArmor(p, o.Container)
	},
}

// Forms returns the names of the forms.
func Forms() []string { return slices.Sorted(maps.Keys(conversions)) }

// Run converts the documents of a file.
func (o Convert) Run(path string) error {
	convert, ok := conversions[o.To]
	if !ok {
		return term.Usagef("--to %s: want one of %s", term.Word(o.To), strings.Join(Forms(), ", "))
	}
	documents, err := docfile.Profiles(o.Terminal, path)
	if err != nil {
		return err
	}
	if single := []string{"canonical", "seccomp", "spo", "apparmor"}; len(documents) > 1 && slices.Contains(single, o.To) {
		return fmt.Errorf("%s holds %d documents; --to %s takes one", docfile.NameOf(path), len(documents), o.To)
	}
	var parts [][]byte
	for _, p := range documents {
		part, err := convert(p, &o)
		if err != nil {
			return fmt.Errorf("%s: %w%s", docfile.NameOf(path), err, bindHint(p, path, o.To))
		}
		if slices.Contains([]string{"ap", "cp"}, o.To) {
			for _, loss := range kubescape.Losses(p) {
				fmt.Fprintf(o.Terminal.Err, "warning: %s: %s\n", docfile.NameOf(path), term.Escape(loss))
			}
		}
		parts = append(parts, part)
	}
	return o.Output.Write(o.Terminal, bytes.Join(parts, []byte("---\n")))
}

// bindHint says how parameters are bound, for the forms that have none.
func bindHint(p *profile.Profile, path, to string) string {
	if len(p.Spec.Parameters) == 0 {
		return ""
	}
	return fmt.Sprintf(": bobctl render --bind %s | bobctl convert - --to %s", path, to)
}

// kubescapeOf returns the document of a kind among those that Kubescape would
// write.
func kubescapeOf(p *profile.Profile, kind string) ([]byte, error) {
	text, err := kubescape.Marshal(p, kubescape.Pair)
	if err != nil {
		return nil, err
	}
	// Lines other than a separator are indented, or a key with a value.
	for part := range bytes.SplitSeq(text, []byte("\n---\n")) {
		if bytes.Contains(append([]byte("\n"), part...), []byte("\nkind: "+kind)) {
			return append(bytes.TrimSuffix(part, []byte("\n")), '\n'), nil
		}
	}
	return nil, errors.New("it says nothing that a " + kind + " could hold")
}
