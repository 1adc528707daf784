package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content/oci"
	"sigs.k8s.io/yaml"
)

// Media types of charts in registries, from Helm's documentation of them.
const (
	chartConfigType = "application/vnd.cncf.helm.config.v1+json"
	chartLayerType  = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// chartVersions are the lines of Chart.yaml that name the release.
var chartVersions = regexp.MustCompile(`(?m)^(version|appVersion):.*$`)

// writeChart writes the chart as an archive, which `helm install` takes, and as
// an OCI layout, which a registry takes.
func (r *release) writeChart(programs) error {
	dir := filepath.Join(r.source, "deploy", "helm", "bobwatch")
	files, err := filesBelow(dir)
	if err != nil {
		return err
	}
	var meta []byte
	for i, f := range files {
		if f.name == "Chart.yaml" {
			meta = chartVersions.ReplaceAll(f.data, fmt.Appendf(nil, `$1: "%s"`, r.version))
			files[i].data = meta
		}
		files[i].name = "bobwatch/" + f.name
	}
	name := fmt.Sprintf("bobwatch_%s_chart.tgz", r.version)
	if err := r.writeArchive(name, files); err != nil {
		return err
	}
	archive, err := os.ReadFile(filepath.Join(r.out, name))
	if err != nil {
		return err
	}
	config, err := yaml.YAMLToJSON(meta)
	if err != nil {
		return err
	}
	return r.writeLayout(fmt.Sprintf("bobwatch_%s_chart-oci.tar", r.version), func(store *oci.Storage) (ocispec.Descriptor, error) {
		return r.pushChart(store, config, archive)
	})
}

func (r *release) pushChart(store *oci.Storage, config json.RawMessage, archive []byte) (ocispec.Descriptor, error) {
	c, err := push(store, chartConfigType, config)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	layer, err := push(store, chartLayerType, archive)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return pushJSON(store, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: c, Layers: []ocispec.Descriptor{layer}, Annotations: r.annotations(),
	})
}
