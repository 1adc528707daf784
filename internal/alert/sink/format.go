package sink

import (
	"fmt"

	"bobwatch/internal/alert"
)

// Format names an Encoder, and says what it needs.
type Format struct {
	Name     string // json, text, kubescape, falco, ocsf or template
	Template string // of template
	// JSON says that the output of Template has to be JSON.
	JSON    bool
	Cluster string // of kubescape
	Colours bool   // of text
}

// Encoder returns what f describes.
func (f Format) Encoder() (alert.Encoder, error) {
	switch f.Name {
	case "json":
		return alert.JSON, nil
	case "text":
		return alert.Text(f.Colours), nil
	case "story":
		return alert.StoryText(f.Colours), nil
	case "kubescape":
		return Kubescape(f.Cluster), nil
	case "falco":
		return Falco, nil
	case "ocsf":
		return OCSF, nil
	case "template":
		return Template(f.Template, f.JSON)
	}
	return nil, fmt.Errorf("format %q: want json, text, story, kubescape, falco, ocsf or template", f.Name)
}
