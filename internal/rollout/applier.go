package rollout

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/util/retry"

	"bobwatch/internal/allowance"
	"bobwatch/internal/catalog"
	"bobwatch/internal/cluster"
	"bobwatch/internal/docfile"
	"bobwatch/internal/listing"
	"bobwatch/internal/profile"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// AllowanceMap is the ConfigMap that holds the allowances of a namespace: of
// each workload a document of its own, since a signature is for one.
const AllowanceMap = "bobwatch-allowances"

// Allow puts the additions into force, namespace by namespace, signed
// by key unless that is nil.
func Allow(ctx context.Context, c *Change, client *cluster.Client, key crypto.Signer, additions []*profile.Profile) error {
	a := applier{Change: c, client: client, key: key}
	if key != nil {
		var err error
		if a.verifier, err = verifierOf(key.Public()); err != nil {
			return err
		}
	}
	byNamespace := make(map[string][]*profile.Profile)
	for _, p := range additions {
		namespace, err := a.namespace(p)
		if err != nil {
			return err
		}
		byNamespace[namespace] = append(byNamespace[namespace], p)
	}
	var errs []error
	for _, namespace := range slices.Sorted(maps.Keys(byNamespace)) {
		errs = append(errs, a.apply(ctx, namespace, byNamespace[namespace]))
	}
	return errors.Join(errs...)
}

// verifierOf trusts one key.
func verifierOf(key crypto.PublicKey) (*signature.Verifier, error) {
	text, err := signature.MarshalPublicKey(key)
	if err != nil {
		return nil, err
	}
	return signature.NewVerifier(signature.Policy{Authorities: []signature.Authority{{
		Name: "the key", Key: string(text), Workloads: []signature.Scope{{Namespace: "*", Name: "*"}},
	}}})
}

// applier writes allowances into ConfigMaps.
type applier struct {
	*Change
	client   *cluster.Client
	key      crypto.Signer // nil to leave them unsigned
	verifier *signature.Verifier
}

// namespace returns where an addition goes: it has effect there only.
func (a *applier) namespace(p *profile.Profile) (string, error) {
	own := p.Spec.Workload.Namespace
	switch {
	case own == "":
		return a.client.Namespace, nil
	case a.client.Named && own != a.client.Namespace:
		return "", term.Usagef("the allowance is for namespace %s and has no effect in %s", term.Word(own), a.client.Namespace)
	}
	return own, nil
}

// apply merges the additions into the ConfigMap of the namespace, again if
// somebody else wrote meanwhile, and waits for the agents.
func (a *applier) apply(ctx context.Context, namespace string, additions []*profile.Profile) error {
	var next *corev1.ConfigMap
	var notes []string
	err := retry.OnError(retry.DefaultRetry, isConflict, func() error {
		present, err := a.read(ctx, namespace)
		if err != nil {
			return err
		}
		next, notes = present.DeepCopy(), nil
		changed := false
		for _, p := range additions {
			note, more, err := a.add(next, p)
			if err != nil {
				return err
			}
			notes, changed = append(notes, note), changed || more
		}
		switch {
		case !changed:
			return nil
		case a.DryRun:
			return writeConfigMap(ctx, a.client, next, []string{metav1.DryRunAll})
		}
		return writeConfigMap(ctx, a.client, next, nil)
	})
	if err != nil {
		return err
	}
	return a.report(ctx, next, additions, notes)
}

// readFrom returns the ConfigMap, or a new one.
func (a *applier) read(ctx context.Context, namespace string) (*corev1.ConfigMap, error) {
	m, err := a.client.CoreV1().ConfigMaps(namespace).Get(ctx, AllowanceMap, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return NewConfigMap(namespace, AllowanceMap), nil
	case err != nil:
		return nil, fmt.Errorf("read allowances: %w", err)
	case !isDocument(m):
		return nil, fmt.Errorf("configmap %s/%s holds no documents (it lacks the label %s)", namespace, AllowanceMap, catalog.Label)
	}
	return m, nil
}

// add merges an addition into the document of its workload in the ConfigMap.
// changed is false if that allows it already.
func (a *applier) add(m *corev1.ConfigMap, addition *profile.Profile) (note string, changed bool, err error) {
	own := *addition
	own.Spec.Workload.Namespace = m.Namespace
	name, err := workloadKeyName(own.Spec.Workload)
	if err != nil {
		return "", false, err
	}
	place := m.Namespace + "/" + m.Name
	present, err := a.present(m, name)
	if err != nil {
		return "", false, fmt.Errorf("%s: %s: %w", place, name, err)
	}
	next, err := allowance.Add(present, &own)
	if err != nil {
		return "", false, err
	}
	if next == nil {
		return fmt.Sprintf("%s allows %s already:\n%s", place, listing.Subject(&own), listing.Acts(&own, ' ')), false, nil
	}
	if len(next) != 1 {
		return "", false, fmt.Errorf("%s: %s is about another workload, %s", place, name, listing.Selection(next[0].Spec.Workload))
	}
	b := Bundle{Name: name}
	if b.Document, err = docfile.Marshal(next); err != nil {
		return "", false, err
	}
	if a.key != nil {
		canonical, err := next[0].Canonical()
		if err != nil {
			return "", false, err
		}
		s, err := signature.Sign(a.key, canonical)
		if err != nil {
			return "", false, err
		}
		b.Signatures = [][]byte{s.Bundle()}
	}
	return fmt.Sprintf("%s allows %s:\n%s", place, listing.Subject(&own), listing.Acts(&own, '+')), true, b.Put(m)
}

// present returns the document of a name in the ConfigMap, if there is one. A new
// signature would vouch for all of it, so it must have a signature of the same key
// already: any user who can write ConfigMaps in the namespace could have changed it.
func (a *applier) present(m *corev1.ConfigMap, name string) ([]*profile.Profile, error) {
	documents := Published(m).Documents()
	i := slices.IndexFunc(documents, func(d catalog.Document) bool { return d.Name == name })
	if i < 0 {
		return nil, nil
	}
	d := &documents[i]
	profiles, err := content(d)
	if err != nil {
		return nil, err
	}
	switch {
	case len(profiles) != 1 || !profiles[0].IsAllowance():
		return nil, errors.New("it is not one allowance: nothing can be added to it")
	case a.key == nil && d.Signatures != nil:
		return nil, errors.New("it is signed, and what is added would not be: name the key by --key")
	case a.key == nil:
		return profiles, nil
	}
	if _, err := Admit(a.verifier, Published(m), []catalog.Document{*d}); err != nil {
		return nil, fmt.Errorf("%w; this key did not sign what is there: look at it (kubectl get configmap -n %s %s -o yaml), and if you do not want it remove it (bobctl uninstall -n %s %s)",
			err, m.Namespace, m.Name, m.Namespace, m.Name)
	}
	return profiles, nil
}

// workloadKeyName returns the name of a workload's document within the
// ConfigMap, such as deployment-webapp.
func workloadKeyName(w profile.Workload) (string, error) {
	kind := w.Kind
	if kind == "" {
		kind = "any"
	}
	name := strings.ToLower(kind) + "-" + w.Name
	if problems := validation.IsConfigMapKey(name + ".sigstore.json"); len(problems) > 0 || strings.HasSuffix(name, ".values") {
		return "", term.Usagef("%s cannot name a document in a ConfigMap: write it to a file, by --file, and install that", term.Word(name))
	}
	return name, nil
}

// report prints the added entries, and waits for the agents.
func (a *applier) report(ctx context.Context, m *corev1.ConfigMap, additions []*profile.Profile, notes []string) error {
	if a.DryRun {
		for _, note := range notes {
			fmt.Fprint(a.Terminal.Err, note)
		}
		for _, d := range Published(m).Documents() {
			fmt.Fprintf(a.Terminal.Out, "---\n%s", term.EscapeLines(string(d.Data)))
		}
		return nil
	}
	for i, note := range notes {
		fmt.Fprint(a.Terminal.Out, note)
		allowance.Warn(a.Terminal, additions[i])
	}
	var errs []error
	for _, d := range Published(m).Documents() {
		if !slices.ContainsFunc(additions, func(p *profile.Profile) bool {
			name, err := workloadKeyName(p.Spec.Workload)
			return err == nil && name == d.Name
		}) {
			continue
		}
		version := documentVersion{source: Published(m).Source(), name: d.Name, digest: d.Digest()}
		result := Result{Namespace: m.Namespace, Name: m.Name + "/" + d.Name, Digest: version.digest}
		errs = append(errs, a.await(ctx, a.client, version, &result, "in force"))
	}
	return errors.Join(errs...)
}
