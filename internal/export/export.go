// Package export writes a Bill of Behavior as the profiles that a kernel
// enforces: seccomp for OCI runtimes, the Security Profiles Operator's
// SeccompProfile, and AppArmor; and as a NetworkPolicy.
//
// An export allows everything the document allows its container, and no more
// than the target's language forces it to; where it has to allow more, the
// function's comment says so.
package export

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"bobwatch/internal/profile"
)

// container returns what p allows the container called name: its own entry,
// joined with those for any container, support sets written out. An empty name means the only one.
func container(p *profile.Profile, name string) (profile.Container, error) {
	if len(p.Spec.Parameters) > 0 {
		return profile.Container{}, errors.New("parameters have to be bound first")
	}
	if name == "" && len(p.Spec.Containers) == 1 {
		return profile.Expand(p.Spec.Containers[0]), nil
	}
	if name == "" {
		return profile.Container{}, fmt.Errorf("name one of the containers: %s", containerNames(p))
	}
	joined := profile.Container{Name: name}
	found := false
	for _, c := range p.Spec.Containers {
		if c.Name == name || c.Name == "" {
			joined = profile.MergeContainers(joined, c)
			found = true
		}
	}
	if !found {
		return profile.Container{}, fmt.Errorf("no container %q; there are: %s", name, containerNames(p))
	}
	return profile.Expand(joined), nil
}

// speaks reports an export that the document has nothing for: without the sections
// everything would be refused.
func speaks(p *profile.Profile, c *profile.Container, senses ...profile.Sense) error {
	for _, sense := range senses {
		if spoken := p.SensesOf(c); len(spoken) > 0 && !slices.Contains(spoken, sense) {
			return fmt.Errorf("container %q: the document does not speak for %s (spec.senses)", c.Name, sense)
		}
	}
	return nil
}

func containerNames(p *profile.Profile) string {
	var names []string
	for _, c := range p.Spec.Containers {
		names = append(names, fmt.Sprintf("%q", c.Name))
	}
	return strings.Join(names, ", ")
}

var notObjectName = regexp.MustCompile(`[^a-z0-9]+`)

// objectName is the document's and the container's name as a Kubernetes object
// may be called, which suits AppArmor too.
func objectName(p *profile.Profile, c *profile.Container) string {
	name := strings.ToLower(p.Metadata.Name)
	if c.Name != "" {
		name += "-" + strings.ToLower(c.Name)
	}
	name = strings.Trim(notObjectName.ReplaceAllString(name, "-"), "-")
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], "-")
	}
	if name == "" {
		return "bobwatch"
	}
	return name
}
