package main

import (
	"github.com/spf13/cobra"

	"bobwatch/internal/artifact"
	"bobwatch/internal/registry"
	"bobwatch/internal/term"
)

func newPullCommand(t *term.Terminal) *cobra.Command {
	o := artifact.Pull{Terminal: t, Location: artifact.Location{Terminal: t}}
	c := &cobra.Command{
		Use:   "pull (oci://REF | --image REF) (--key KEY | --certificate-identity ...)",
		Short: "Get a document from a registry, and verify it",
		Long: `Get a document from a registry: by its own reference, or by the image that it is
attached to. bobctl writes the document with its signatures, in the form that the
agent loads.

bobctl writes nothing unless the signer that the flags name has signed the
artifact in cosign's format. That signature vouches for the document and for the
image that it belongs to. If the document has signatures of its own, one of them
must be by the same signer. Exits with 3 if verification fails.

A tag can move: bobctl prints the digest, and --digest or @DIGEST pins it.`,
		Example: `  bobctl pull --image registry.example/acme/webapp@sha256:... --key vendor.pub
  bobctl pull oci://registry.example/acme/bobs:webapp-1.4.2 --key vendor.pub --out webapp.yaml
  bobctl pull --image registry.example/acme/webapp:1.4.2 --trusted-root trusted_root.json \
    --certificate-identity-regexp 'https://github\.com/acme/webapp/.*' \
    --certificate-oidc-issuer https://token.actions.githubusercontent.com`,
		Args:              func(_ *cobra.Command, args []string) error { return o.Check(args) },
		ValidArgsFunction: completeReference,
		RunE:              func(c *cobra.Command, args []string) error { return o.Run(c.Context(), args) },
	}
	flags := c.Flags()
	registerFormat(c, &o.Format)
	o.Location.Register(flags)
	registerPlainHTTP(flags, &o.Location.PlainHTTP)
	o.Trust.Register(flags)
	flags.StringVar(&o.Name, "name", "", "get the document `NAME` if several are attached to the image")
	flags.BoolVar(&o.SkipVerify, "insecure-skip-verify", false, "write the document without verifying its signatures")
	flags.StringVar(&o.Out, "out", "", "write to `FILE` instead of NAME.yaml (- for standard output, without signatures)")
	return c
}

// completeReference offers how a reference begins.
func completeReference(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{registry.Scheme}, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}
