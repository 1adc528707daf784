package cluster

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed templates
var templateFiles embed.FS

//go:embed templates/audit.yaml
var auditPolicy []byte

var templates = template.Must(template.ParseFS(templateFiles, "templates/*"))

// writeConfig writes the template called name, filled in for the node, to the
// file of the same name in dir.
func (n *Node) writeConfig(dir, name string) error {
	path := filepath.Join(dir, name)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = templates.ExecuteTemplate(f, name, map[string]string{
		"AllPods": n.cluster.place.pods(),
		"Cgroup":  "/" + n.cgroup(),
		"Dir":     n.dir,
		"Keys":    n.cluster.ControlPlane.dir,
		"Name":    n.Name,
		"Pause":   pauseReference,
		"Pods":    n.cluster.place.nodePods(n.number),
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}
