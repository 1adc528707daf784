package rollout

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"bobwatch/internal/cluster"
	"bobwatch/internal/docfile"
	"bobwatch/internal/signature"
	"bobwatch/internal/signing"
	"bobwatch/internal/term"
)

// Install puts a document into force on all nodes of a cluster.
type Install struct {
	Change
	Trust      signing.Trust
	Signed     signing.SignedFile
	SkipVerify bool
	Name       string // of the ConfigMap; empty for the document's
	Values     string // file with the values of parameters
	Path       string
}

// Run verifies the document and puts it into force.
func (o *Install) Run(ctx context.Context) error {
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
	p := Placement{Change: &o.Change, Client: client, Next: next}
	if err := p.Admit(verifier, o.Path, o.SkipVerify); err != nil {
		return err
	}
	return p.Run(ctx)
}

// verifier returns the verifier of the document's signer.
func (o *Install) verifier() (*signature.Verifier, error) {
	if !o.SkipVerify {
		return o.Trust.Verifier(o.Terminal)
	}
	if o.Trust.Given() {
		return nil, term.Usagef("--insecure-skip-verify verifies nothing: leave it out, or --key and the identity")
	}
	return signature.NewVerifier(signature.Policy{
		Unsigned: []signature.UnsignedRule{{Namespace: "*", Action: signature.Warn}},
	})
}

// read returns the document with its signatures and values.
func (o *Install) read() (*Bundle, error) {
	data, err := docfile.Read(o.Terminal.In, o.Path)
	if err != nil {
		return nil, err
	}
	b := &Bundle{Document: data}
	if b.Signatures, err = o.Signed.Read(o.Terminal, o.Path); err != nil {
		return nil, err
	}
	if o.Values != "" {
		if b.Values, err = docfile.Read(o.Terminal.In, o.Values); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// place puts the document into a ConfigMap, whose namespace and name it decides.
func (o *Install) place(b *Bundle, client *cluster.Client) (*corev1.ConfigMap, error) {
	profiles, err := docfile.Parse(o.Path, b.Document)
	if err != nil {
		return nil, err
	}
	if len(profiles) != 1 {
		return nil, fmt.Errorf("%s holds %d documents where one is wanted; put each into a file of its own", docfile.NameOf(o.Path), len(profiles))
	}
	p := profiles[0]
	namespace := client.Namespace
	if own := p.Spec.Workload.Namespace; own != "" && !client.Named {
		namespace = own
	} else if own != "" && own != namespace {
		return nil, term.Usagef("%s is for namespace %s and has no effect in %s: --namespace %s", docfile.NameOf(o.Path), term.Word(own), namespace, term.Word(own))
	}
	if b.Name, err = DocumentName(o.Name, p); err != nil {
		return nil, err
	}
	m := NewConfigMap(namespace, b.Name)
	return m, b.Put(m)
}
