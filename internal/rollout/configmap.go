package rollout

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"bobwatch/internal/profile/documents"

	corev1 "k8s.io/api/core/v1"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"bobwatch/internal/catalog"
	"bobwatch/internal/cluster"
	"bobwatch/internal/listing"
	"bobwatch/internal/profile"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// compressAbove is the size in bytes from which a document is compressed: an
// object of Kubernetes has 1 MiB at most.
const compressAbove = 256 << 10

// managedLabel says which tool made an object, as Kubernetes recommends.
const managedLabel = "app.kubernetes.io/managed-by"

// Bundle is a document with its signatures and values, as in a ConfigMap.
type Bundle struct {
	Name       string // of the document within the ConfigMap
	Document   []byte
	Signatures [][]byte
	Values     []byte // of its parameters; nil for none
}

// NewConfigMap returns a ConfigMap that agents read documents from.
func NewConfigMap(namespace, name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace,
			Name:      name,
			Labels:    map[string]string{catalog.Label: catalog.LabelValue, managedLabel: "bobctl"},
		},
	}
}

// Put puts the document into the ConfigMap, in the place of the former one with its
// name.
func (b *Bundle) Put(m *corev1.ConfigMap) error {
	data, binary := make(map[string]string), make(map[string][]byte)
	if len(b.Document) > compressAbove {
		zipped, err := deflate(b.Document)
		if err != nil {
			return err
		}
		binary[b.Name+".yaml.gz"] = zipped
	} else {
		data[b.Name+".yaml"] = string(b.Document)
	}
	for _, s := range b.Signatures {
		key := b.Name + ".yaml.sig"
		if bytes.HasPrefix(bytes.TrimSpace(s), []byte("{")) {
			key = b.Name + ".sigstore.json"
		}
		if data[key] != "" {
			return errors.New("there are several signatures of one form, and a ConfigMap has room for one of each")
		}
		data[key] = string(s)
	}
	if b.Values != nil {
		data[b.Name+".values.yaml"] = string(b.Values)
	}
	for _, suffix := range []string{".yaml", ".yaml.gz", ".yaml.sig", ".sigstore.json", ".values.yaml"} {
		delete(m.Data, b.Name+suffix)
		delete(m.BinaryData, b.Name+suffix)
	}
	m.Data, m.BinaryData = joined(m.Data, data), joined(m.BinaryData, binary)
	return nil
}

// joined returns a with all of b in it.
func joined[V any](a, b map[string]V) map[string]V {
	if a == nil && len(b) > 0 {
		a = make(map[string]V)
	}
	maps.Copy(a, b)
	return a
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

// Published returns the ConfigMap as agents read it.
func Published(m *corev1.ConfigMap) *catalog.ConfigMap {
	return &catalog.ConfigMap{Namespace: m.Namespace, Name: m.Name, Data: m.Data, BinaryData: m.BinaryData}
}

// DocumentName returns the name for the ConfigMap of a document: the name that the user
// chose, or the document's own.
func DocumentName(chosen string, p *profile.Profile) (string, error) {
	name := cmp.Or(chosen, p.Metadata.Name)
	problems := validation.IsDNS1123Subdomain(name)
	// It would be read as the values of a document without ".values".
	if strings.HasSuffix(name, ".values") {
		problems = append(problems, "it must not end in .values")
	}
	if len(problems) > 0 {
		return "", term.Usagef("%s cannot be the name of a ConfigMap (%s): choose one by --name", term.Word(name), problems[0])
	}
	return name, nil
}

// content returns the profiles of a published document, with bound parameters.
func content(d *catalog.Document) ([]*profile.Profile, error) {
	if d.Err != nil {
		return nil, d.Err
	}
	profiles, err := documents.Parse(d.File, d.Data)
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

// Admit publishes the documents of a ConfigMap to a catalog like that of the agents. It
// returns who vouches for them; the error says why an agent with the policy of v would
// refuse them.
func Admit(v *signature.Verifier, m *catalog.ConfigMap, documents []catalog.Document) (string, error) {
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

// selectionIn names the workloads that a document in a namespace applies to.
func selectionIn(namespace string, p *profile.Profile) string {
	w := p.Spec.Workload
	w.Namespace = namespace
	return listing.Selection(w)
}

// writeConfigMap updates the ConfigMap, in the version that it was read in, or
// creates it if it was not read.
func writeConfigMap(ctx context.Context, client *cluster.Client, m *corev1.ConfigMap, dryRun []string) (err error) {
	maps := client.CoreV1().ConfigMaps(m.Namespace)
	if m.ResourceVersion == "" {
		_, err = maps.Create(ctx, m, metav1.CreateOptions{DryRun: dryRun, FieldManager: "bobctl"})
	} else {
		_, err = maps.Update(ctx, m, metav1.UpdateOptions{DryRun: dryRun, FieldManager: "bobctl"})
	}
	if err != nil {
		return fmt.Errorf("write configmap %s/%s: %w", m.Namespace, m.Name, err)
	}
	return nil
}

// isConflict reports whether somebody else wrote meanwhile.
func isConflict(err error) bool { return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) }
