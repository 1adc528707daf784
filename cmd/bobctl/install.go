package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"bobwatch/internal/cluster"
	"bobwatch/internal/docfile"
	"bobwatch/internal/rollout"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

type installOptions struct {
	rollout.Change
	trust  trust
	signed signedFile
	skip   bool // the verification
	name   string
	values string
	path   string
}

func newInstallCommand(t *term.Terminal) *cobra.Command {
	o := installOptions{Change: rollout.Change{Terminal: t}}
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
			o.path = args[0]
			return runInstall(c.Context(), &o)
		},
	}
	flags := c.Flags()
	registerChange(c, &o.Change)
	o.trust.register(flags)
	o.signed.register(flags)
	flags.BoolVar(&o.skip, "insecure-skip-verify", false, "do not verify who signed it; the agents do")
	flags.StringVar(&o.name, "name", "", "`NAME` of the ConfigMap (default: the document's)")
	flags.StringVar(&o.values, "values", "", "values of the document's parameters in `FILE`, lines of name: value")
	return c
}

func runInstall(ctx context.Context, o *installOptions) error {
	verifier, err := o.verifier()
	if err != nil {
		return err
	}
	b, err := o.read()
	if err != nil {
		return err
	}
	client, err := o.Cluster.Connect()
	if err != nil {
		return err
	}
	next, err := o.place(b, client)
	if err != nil {
		return err
	}
	p := rollout.Placement{Change: &o.Change, Client: client, Next: next}
	if err := p.Admit(verifier, o.path, o.skip); err != nil {
		return err
	}
	return p.Run(ctx)
}

// verifier returns who is to have signed the document.
func (o *installOptions) verifier() (*signature.Verifier, error) {
	if !o.skip {
		return o.trust.verifier(o.Terminal)
	}
	if o.trust.given() {
		return nil, term.Usagef("--insecure-skip-verify verifies nothing: leave it out, or --key and the identity")
	}
	return signature.NewVerifier(signature.Policy{
		Unsigned: []signature.UnsignedRule{{Namespace: "*", Action: signature.Warn}},
	})
}

// readFrom returns the document with what lies beside it.
func (o *installOptions) read() (*rollout.Bundle, error) {
	data, err := docfile.Read(o.Terminal.In, o.path)
	if err != nil {
		return nil, err
	}
	b := &rollout.Bundle{Document: data}
	if b.Signatures, err = o.signed.read(o.Terminal, o.path); err != nil {
		return nil, err
	}
	if o.values != "" {
		if b.Values, err = docfile.Read(o.Terminal.In, o.values); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// place puts the document into a ConfigMap, whose namespace and name it decides.
func (o *installOptions) place(b *rollout.Bundle, client *cluster.Client) (*corev1.ConfigMap, error) {
	profiles, err := docfile.Parse(o.path, b.Document)
	if err != nil {
		return nil, err
	}
	if len(profiles) != 1 {
		return nil, fmt.Errorf("%s holds %d documents where one is wanted; put each into a file of its own", docfile.NameOf(o.path), len(profiles))
	}
	p := profiles[0]
	namespace := client.Namespace
	if own := p.Spec.Workload.Namespace; own != "" && !client.Named {
		namespace = own
	} else if own != "" && own != namespace {
		return nil, term.Usagef("%s is for namespace %s and has no effect in %s: --namespace %s", docfile.NameOf(o.path), term.Word(own), namespace, term.Word(own))
	}
	if b.Name, err = rollout.DocumentName(o.name, p); err != nil {
		return nil, err
	}
	m := rollout.NewConfigMap(namespace, b.Name)
	return m, b.Put(m)
}
