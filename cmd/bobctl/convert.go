package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bobwatch/internal/docfile"
	"bobwatch/internal/export"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/kubescape"
	"bobwatch/internal/term"
)

type convertOptions struct {
	terminal  *term.Terminal
	to        string
	container string
	seccomp   export.SeccompOptions
	result    result
}

// conversions make something else of one document.
var conversions = map[string]func(*profile.Profile, *convertOptions) ([]byte, error){
	"bob": func(p *profile.Profile, _ *convertOptions) ([]byte, error) {
		return docfile.Marshal([]*profile.Profile{p})
	},
	"canonical": func(p *profile.Profile, _ *convertOptions) ([]byte, error) {
		return p.Canonical()
	},
	"ap": func(p *profile.Profile, _ *convertOptions) ([]byte, error) {
		return kubescapeOf(p, "ApplicationProfile")
	},
	"nn": func(p *profile.Profile, _ *convertOptions) ([]byte, error) {
		return kubescapeOf(p, "NetworkNeighborhood")
	},
	"cp": func(p *profile.Profile, _ *convertOptions) ([]byte, error) {
		return kubescape.Marshal(p, kubescape.ContainerProfile)
	},
	"seccomp": func(p *profile.Profile, o *convertOptions) ([]byte, error) {
		return export.Seccomp(p, o.container, o.seccomp)
	},
	"spo": func(p *profile.Profile, o *convertOptions) ([]byte, error) {
		return export.SeccompProfile(p, o.container, o.seccomp)
	},
	"apparmor": func(p *profile.Profile, o *convertOptions) ([]byte, error) {
		return export.AppArmor(p, o.container)
	},
}

func newConvertCommand(t *term.Terminal) *cobra.Command {
	o := convertOptions{terminal: t}
	c := &cobra.Command{
		Use:   "convert FILE --to FORM",
		Short: "Write a document in another form",
		Long: `Write a document in another form. FORM is one of

  bob        a Bill of Behavior
  canonical  the bytes that are signed, for cosign
  ap         Kubescape's ApplicationProfile
  nn         Kubescape's NetworkNeighborhood
  cp         Kubescape's ContainerProfile
  seccomp    a seccomp profile for OCI runtimes
  spo        a SeccompProfile of the Security Profiles Operator
  apparmor   an AppArmor profile

The last three are for one container.`,
		Example: `  bobctl convert applicationprofile.yaml --to bob > webapp.yaml
  bobctl convert webapp.yaml --to seccomp --container web --families --runtime
  kubectl get applicationprofile -n shop -o yaml | bobctl convert - --to bob`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error { return runConvert(c.Context(), o, args[0]) },
	}
	flags := c.Flags()
	flags.StringVar(&o.to, "to", "", "`FORM` to write")
	flags.StringVar(&o.container, "container", "", "`NAME` of the container (seccomp, spo, apparmor); needed if there are several")
	flags.StringVar(&o.seccomp.Arch, "arch", "", "`ARCH` of the nodes (seccomp, spo); default: all that the document has calls for")
	flags.BoolVar(&o.seccomp.Families, "families", false, "also allow calls that are the same act under another name (seccomp, spo)")
	flags.BoolVar(&o.seccomp.Runtime, "runtime", false, "also allow what runc does to start the container (seccomp)")
	o.result.register(flags)
	completeFlag(c, "to", slices.Sorted(maps.Keys(conversions))...)
	return c
}

func runConvert(_ context.Context, o convertOptions, path string) error {
	convert, ok := conversions[o.to]
	if !ok {
		return term.Usagef("--to %s: want one of %s", term.Word(o.to), strings.Join(slices.Sorted(maps.Keys(conversions)), ", "))
	}
	documents, err := docfile.Profiles(o.terminal, path)
	if err != nil {
		return err
	}
	if single := []string{"canonical", "seccomp", "spo", "apparmor"}; len(documents) > 1 && slices.Contains(single, o.to) {
		return fmt.Errorf("%s holds %d documents; --to %s takes one", docfile.NameOf(path), len(documents), o.to)
	}
	var parts [][]byte
	for _, p := range documents {
		part, err := convert(p, &o)
		if err != nil {
			return fmt.Errorf("%s: %w%s", docfile.NameOf(path), err, bindHint(p, path, o.to))
		}
		if slices.Contains([]string{"ap", "cp"}, o.to) {
			for _, loss := range kubescape.Losses(p) {
				fmt.Fprintf(o.terminal.Err, "warning: %s: %s\n", docfile.NameOf(path), term.Escape(loss))
			}
		}
		parts = append(parts, part)
	}
	return o.result.write(o.terminal, bytes.Join(parts, []byte("---\n")))
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
	// What is not a separator is indented, or a key with a value.
	for part := range bytes.SplitSeq(text, []byte("\n---\n")) {
		if bytes.Contains(append([]byte("\n"), part...), []byte("\nkind: "+kind)) {
			return append(bytes.TrimSuffix(part, []byte("\n")), '\n'), nil
		}
	}
	return nil, errors.New("it says nothing that a " + kind + " could hold")
}
