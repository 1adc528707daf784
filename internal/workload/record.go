package workload

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	containersv1 "github.com/containerd/containerd/api/services/containers/v1"
)

// Labels and annotations that the kubelet and containerd's CRI plugin put on
// their records. The labels come after those of the image and override them;
// the annotations come after the pod's.
const (
	labelPodName       = "io.kubernetes.pod.name"
	labelPodNamespace  = "io.kubernetes.pod.namespace"
	labelPodUID        = "io.kubernetes.pod.uid"
	labelContainerName = "io.kubernetes.container.name"
	labelKind          = "io.cri-containerd.kind"
	kindSandbox        = "sandbox"

	annotationSandboxID = "io.kubernetes.cri.sandbox-id"
	annotationImageName = "io.kubernetes.cri.image-name"

	extensionMetadata = "io.cri-containerd.container.metadata"
)

// criNamespace is where the CRI plugin keeps its records. Elsewhere its labels
// are believed of nobody, because tools such as ctr copy an image's labels to
// the container.
const criNamespace = "k8s.io"

// sandboxName is the name of a pod's pause container.
const sandboxName = "POD"

// The bounds on Container.Labels; labels beyond them are left out.
const (
	maxLabels     = 64
	maxLabelKey   = 317 // a DNS prefix of 253, a slash and a name of 63
	maxLabelValue = 256
)

// ociSpec is the part of an OCI runtime spec that is needed here.
type ociSpec struct {
	Annotations map[string]string `json:"annotations"`
	Linux       struct {
		CgroupsPath string `json:"cgroupsPath"`
	} `json:"linux"`
}

// record is one container as containerd keeps it.
type record struct {
	*containersv1.Container
	runtimeNamespace string
	annotations      map[string]string
	cgroupPath       string // absolute, below the runtime's own cgroup root
}

func newRecord(runtimeNamespace string, c *containersv1.Container) (*record, error) {
	var spec ociSpec
	if err := json.Unmarshal(c.GetSpec().GetValue(), &spec); err != nil {
		return nil, fmt.Errorf("read spec of container %s: %w", c.GetID(), err)
	}
	p, err := recordedPath(spec.Linux.CgroupsPath)
	if err != nil {
		return nil, fmt.Errorf("read spec of container %s: %w", c.GetID(), err)
	}
	return &record{
		Container:        c,
		runtimeNamespace: runtimeNamespace,
		annotations:      spec.Annotations,
		cgroupPath:       p,
	}, nil
}

// inPod reports whether the CRI plugin made the record.
func (r *record) inPod() bool {
	return r.runtimeNamespace == criNamespace && r.GetLabels()[labelPodUID] != "" && r.GetLabels()[labelKind] != ""
}

// sandboxID is the ID of the record that holds the pod's labels; empty if
// there is none or it is r itself.
func (r *record) sandboxID() string {
	if !r.inPod() || r.GetLabels()[labelKind] == kindSandbox {
		return ""
	}
	if id := r.annotations[annotationSandboxID]; id != "" {
		return id
	}
	return r.GetSandbox()
}

// imageName returns the name for looking the image up. The CRI plugin notes the one name
// that never stands for another image: a tag may have been pulled again since.
func (r *record) imageName() string {
	var noted struct {
		Metadata struct{ ImageRef string }
	}
	extension := r.GetExtensions()[extensionMetadata]
	if err := json.Unmarshal(extension.GetValue(), &noted); err == nil && noted.Metadata.ImageRef != "" {
		return noted.Metadata.ImageRef
	}
	return r.GetImage()
}

// notedDigest returns the digest in the name of r's image: the manifest's if the
// image was named by it, else, of the CRI plugin's, the configuration's. Both
// stand for one image alone.
func (r *record) notedDigest() string {
	if digest := digestOf(r.GetImage()); digest != "" {
		return digest
	}
	if name := r.imageName(); isDigest(name) {
		return name
	}
	return ""
}

// container describes r. podLabels are the sandbox's labels if there is one.
func (r *record) container(podLabels map[string]string, digest string) Container {
	c := Container{
		ID:               r.GetID(),
		Runtime:          RuntimeContainerd,
		RuntimeNamespace: r.runtimeNamespace,
		Image:            r.GetImage(),
		ImageDigest:      digest,
		CgroupPath:       r.cgroupPath,
		StartedAt:        r.GetCreatedAt().AsTime(),
	}
	if !r.inPod() {
		c.Namespace = r.runtimeNamespace
		c.Labels = boundedLabels(r.GetLabels())
		c.Owner = containerOwner(c.ID, r.GetLabels())
		c.Name = c.Owner.Name
		return c
	}
	labels := r.GetLabels()
	c.Namespace, c.Pod, c.PodUID = labels[labelPodNamespace], labels[labelPodName], labels[labelPodUID]
	c.Name = labels[labelContainerName]
	if labels[labelKind] == kindSandbox {
		c.Sandbox, c.Name, podLabels = true, sandboxName, labels
	}
	if name := r.annotations[annotationImageName]; name != "" {
		c.Image = name
	}
	c.Owner = podOwner(c.Pod, podLabels)
	c.Labels = boundedLabels(podLabels)
	return c
}

// boundedLabels returns the labels within bounds, the same ones every time,
// without those that only the runtime needs.
func boundedLabels(labels map[string]string) map[string]string {
	bounded := make(map[string]string, min(len(labels), maxLabels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		value := labels[key]
		if len(key) > maxLabelKey || len(value) > maxLabelValue || internalLabel(key) {
			continue
		}
		if len(bounded) == maxLabels {
			break
		}
		bounded[key] = value
	}
	return bounded
}

func internalLabel(key string) bool {
	return strings.HasPrefix(key, "io.kubernetes.") || strings.HasPrefix(key, "io.cri-containerd.") ||
		strings.HasPrefix(key, "containerd.io/")
}

var digestForm = regexp.MustCompile(`^[a-z0-9]+:[a-f0-9]{32,128}$`)

// isDigest reports whether s is a digest as OCI writes it.
func isDigest(s string) bool { return digestForm.MatchString(s) }

// digestOf returns the digest that is part of an image reference, if any.
func digestOf(reference string) string {
	_, digest, _ := strings.Cut(reference, "@")
	if !isDigest(digest) {
		return ""
	}
	return digest
}
