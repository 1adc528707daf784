package catalog

import "fmt"

// Label and LabelValue mark the ConfigMaps that hold documents.
const (
	Label      = "bobwatch/profile"
	LabelValue = "true"
)

// ConfigMap is the part of a Kubernetes ConfigMap that documents are made of.
type ConfigMap struct {
	Namespace  string
	Name       string
	Data       map[string]string
	BinaryData map[string][]byte
}

// Source names the map as the source of its documents.
func (m *ConfigMap) Source() string { return fmt.Sprintf("configmap %s/%s", m.Namespace, m.Name) }

// Documents returns the documents in the map. A document is <name>.yaml, or
// <name>.yaml.gz if it is compressed with gzip. <name>.yaml.sig or
// <name>.sigstore.json and <name>.values.yaml belong to it. All documents are bound
// to the map's own namespace.
func (m *ConfigMap) Documents() []Document {
	files := make(map[string]file, len(m.Data)+len(m.BinaryData))
	for key, text := range m.Data {
		files[key] = file{data: []byte(text)}
	}
	for key, data := range m.BinaryData {
		files[key] = file{data: data}
	}
	documents := assemble(files, func(key string) string { return m.Source() + ": " + key })
	budget := MaxDocumentBytes
	for i := range documents {
		d := &documents[i]
		d.Namespace = m.Namespace
		if d.Err == nil {
			d.Data, d.Err = inflate(d.Data, &budget)
		}
	}
	return documents
}
