package rollout

import (
	"context"
	"errors"
	"fmt"

	"bobwatch/internal/profile/lint"

	corev1 "k8s.io/api/core/v1"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/catalog"
	"bobwatch/internal/cluster"
	"bobwatch/internal/docfile"
	"bobwatch/internal/listing"
	"bobwatch/internal/profile"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// Placement is a ConfigMap on its way into a cluster.
type Placement struct {
	*Change
	Client *cluster.Client
	Next   *corev1.ConfigMap
	signer string
	result Result

	document *catalog.Document // that next publishes
}

// Admit verifies the documents of the ConfigMap as agents do, by the policy of the
// command line.
func (p *Placement) Admit(v *signature.Verifier, path string, skip bool) error {
	m := Published(p.Next)
	documents := m.Documents()
	if len(documents) != 1 || documents[0].Name != p.Next.Name {
		return fmt.Errorf("%s does not come out of the ConfigMap as it went in", docfile.NameOf(path))
	}
	p.document = &documents[0]
	judged := *p.document
	if skip {
		judged.Signatures = nil
	}
	signer, err := Admit(v, m, []catalog.Document{judged})
	if err != nil {
		return fmt.Errorf("%w; %s", err, installAdvice(err, path))
	}
	p.signer = signer
	p.result = Result{
		Namespace: p.Next.Namespace, Name: p.Next.Name, Digest: p.document.Digest(), SignedBy: signer, DryRun: p.DryRun,
	}
	return nil
}

// installAdvice says what to do about a document that is not installed.
func installAdvice(err error, path string) string {
	for _, known := range []error{signature.ErrUnsigned, signature.ErrUntrusted, signature.ErrSignature} {
		if errors.Is(err, known) {
			return docfile.Advice(err, path)
		}
	}
	return "the agents would refuse it; see bobctl check " + path
}

// Run shows the change, asks, writes it and waits.
func (p *Placement) Run(ctx context.Context) error {
	maps := p.Client.CoreV1().ConfigMaps(p.Next.Namespace)
	present, err := maps.Get(ctx, p.Next.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		present = nil
	case err != nil:
		return fmt.Errorf("read what is installed: %w", err)
	}
	if err := p.mayReplace(present); err != nil {
		return err
	}
	p.result.Changed = present == nil || !p.same(present)
	if !p.result.Changed {
		p.say("%s/%s is installed already", p.Next.Namespace, p.Next.Name)
		return p.finish(ctx)
	}
	if err := p.write(ctx, present, metav1.DryRunAll); err != nil {
		return err
	}
	p.show(present)
	if p.DryRun {
		p.say("Nothing was changed.")
		return p.encode(&p.result)
	}
	if err := p.agree(ctx, fmt.Sprintf("Install %s/%s?", p.Next.Namespace, p.Next.Name)); err != nil {
		return err
	}
	if err := p.write(ctx, present); err != nil {
		return err
	}
	return p.finish(ctx)
}

// mayReplace refuses to overwrite a ConfigMap with another purpose or document.
func (p *Placement) mayReplace(present *corev1.ConfigMap) error {
	if present == nil {
		return nil
	}
	if !isDocument(present) {
		return fmt.Errorf("configmap %s/%s exists and holds no documents (it lacks the label %s): choose another name by --name",
			present.Namespace, present.Name, catalog.Label)
	}
	for _, d := range Published(present).Documents() {
		if d.Name != p.Next.Name {
			return fmt.Errorf("configmap %s/%s holds %s too: choose another name by --name", present.Namespace, present.Name, term.Word(d.Name))
		}
	}
	return nil
}

// same reports whether there is nothing to write.
func (p *Placement) same(present *corev1.ConfigMap) bool {
	documents := Published(present).Documents()
	return len(documents) == 1 && documents[0].Digest() == p.document.Digest()
}

// write creates the ConfigMap or updates present, which nobody may have changed
// since. Labels and annotations of others stay.
func (p *Placement) write(ctx context.Context, present *corev1.ConfigMap, dryRun ...string) error {
	next := p.Next
	if present != nil {
		next = present.DeepCopy()
		next.Data, next.BinaryData = p.Next.Data, p.Next.BinaryData
	}
	err := writeConfigMap(ctx, p.Client, next, dryRun)
	if isConflict(err) {
		return fmt.Errorf("%w; somebody else changed it meanwhile: look at what is there, and try again", err)
	}
	return err
}

// show shows the change.
func (p *Placement) show(present *corev1.ConfigMap) {
	next, err := content(p.document)
	if err != nil || len(next) == 0 {
		return // admit has found it in order
	}
	p.say("%s %s, for %s", p.Terminal.Colour(term.Bold, term.Word(p.Next.Namespace+"/"+p.Next.Name)), p.provenance(next[0]), selectionIn(p.Next.Namespace, next[0]))
	if n := len(lint.Warnings(next[0])); n > 0 {
		fmt.Fprintf(p.Terminal.Err, "warning: bobctl check has %d remarks on it\n", n)
	}
	if present == nil {
		for i := range next[0].Spec.Containers {
			p.say("  %s", listing.Counts(&next[0].Spec.Containers[i]))
		}
		return
	}
	p.compare(present, next[0])
}

// provenance names the version of a document and its signer.
func (p *Placement) provenance(next *profile.Profile) string {
	signed := "not verified"
	if p.signer != "" {
		signed = "signed by " + p.signer
	}
	if next.Metadata.Version != "" {
		signed = "version " + next.Metadata.Version + ", " + signed
	}
	return term.Printable(signed)
}

// compare shows the difference to the present document.
func (p *Placement) compare(present *corev1.ConfigMap, next *profile.Profile) {
	documents := Published(present).Documents()
	if len(documents) != 1 {
		return // there is nothing in it
	}
	before, err := content(&documents[0])
	if err != nil || len(before) != 1 {
		p.say("  replaces a document that cannot be read")
		return
	}
	d := profile.Diff(before[0], next)
	if d.Empty() {
		p.say("  allows the same as before; signatures, values or other particulars change")
		return
	}
	listing.WriteDifference(p.Terminal, p.out(), d)
}

// finish waits for the agents.
func (p *Placement) finish(ctx context.Context) error {
	version := documentVersion{source: Published(p.Next).Source(), name: p.Next.Name, digest: p.result.Digest}
	return p.await(ctx, p.Client, version, &p.result, "in force")
}
