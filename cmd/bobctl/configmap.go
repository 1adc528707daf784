package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"bobwatch/internal/catalog"
	"bobwatch/internal/profile"
	"bobwatch/internal/signature"
)

// compressAbove is the size in bytes from which a document is compressed: an
// object of Kubernetes has 1 MiB at most.
const compressAbove = 256 << 10

// managedLabel says which tool made an object, as Kubernetes recommends.
const managedLabel = "app.kubernetes.io/managed-by"

// bundle is a document with what goes into a ConfigMap beside it.
type bundle struct {
	namespace, name string // of the ConfigMap; name is the document's within it, too
	document        []byte
	signatures      [][]byte
	values          []byte // of its parameters; nil for none
}

// configMap returns the ConfigMap that agents read the document from.
func (b *bundle) configMap() (*corev1.ConfigMap, error) {
	m := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: b.namespace,
			Name:      b.name,
			Labels:    map[string]string{catalog.Label: catalog.LabelValue, managedLabel: "bobctl"},
		},
		Data: make(map[string]string),
	}
	if len(b.document) > compressAbove {
		zipped, err := deflate(b.document)
		if err != nil {
			return nil, err
		}
		m.BinaryData = map[string][]byte{b.name + ".yaml.gz": zipped}
	} else {
		m.Data[b.name+".yaml"] = string(b.document)
	}
	for _, s := range b.signatures {
		key := b.name + ".yaml.sig"
		if bytes.HasPrefix(bytes.TrimSpace(s), []byte("{")) {
			key = b.name + ".sigstore.json"
		}
		if m.Data[key] != "" {
			return nil, fmt.Errorf("there are several signatures of one form, and a ConfigMap has room for one of each")
		}
		m.Data[key] = string(s)
	}
	if b.values != nil {
		m.Data[b.name+".values.yaml"] = string(b.values)
	}
	return m, nil
}

func deflate(data []byte) ([]byte, error) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("compress document: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress document: %w", err)
	}
	return zipped.Bytes(), nil
}

// isDocument reports whether agents read documents from the ConfigMap.
func isDocument(m *corev1.ConfigMap) bool { return m.Labels[catalog.Label] == catalog.LabelValue }

// published returns the ConfigMap as agents read it.
func published(m *corev1.ConfigMap) *catalog.ConfigMap {
	return &catalog.ConfigMap{Namespace: m.Namespace, Name: m.Name, Data: m.Data, BinaryData: m.BinaryData}
}

// documentName returns the name for the ConfigMap of a document: what the user
// chose, or the document's own.
func documentName(chosen string, p *profile.Profile) (string, error) {
	name := cmp.Or(chosen, p.Metadata.Name)
	problems := validation.IsDNS1123Subdomain(name)
	// It would be read as the values of a document without ".values".
	if strings.HasSuffix(name, ".values") {
		problems = append(problems, "it must not end in .values")
	}
	if len(problems) > 0 {
		return "", usagef("%s cannot be the name of a ConfigMap (%s): choose one by --name", word(name), problems[0])
	}
	return name, nil
}

// content returns what a published document allows, its parameters bound.
func content(d *catalog.Document) ([]*profile.Profile, error) {
	if d.Err != nil {
		return nil, d.Err
	}
	profiles, err := profile.Parse(d.File, d.Data)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if d.Values != nil {
		if values, err = catalog.ParseValues(d.File+": values", d.Values); err != nil {
			return nil, err
		}
	}
	for i, p := range profiles {
		if profiles[i], err = profile.Bind(p, values); err != nil {
			return nil, err
		}
	}
	return profiles, nil
}

// admit puts what a ConfigMap publishes before the catalog that agents have.
// It returns who vouches for it; the error is why an agent that trusts as v
// does would refuse it.
func admit(v *signature.Verifier, m *catalog.ConfigMap, documents []catalog.Document) (string, error) {
	var authority string
	var errs []error
	c := catalog.New(catalog.Options{
		Verifier: v,
		Refused:  func(r catalog.Refusal) { errs = append(errs, r.Err) },
		Accepted: func(a catalog.Acceptance) { authority = a.Trust.Authority },
	})
	c.Publish(m.Source(), documents)
	return authority, errors.Join(errs...)
}

// selectionIn says whom a document applies to that is in a namespace.
func selectionIn(namespace string, p *profile.Profile) string {
	w := p.Spec.Workload
	w.Namespace = namespace
	return selection(w)
}
