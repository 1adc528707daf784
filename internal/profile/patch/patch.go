// Package patch changes documents: it adds given entries, or applies the operations of
// RFC 6902.
package patch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"bobwatch/internal/profile"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/yamlfile"
)

// Allow holds the entries that a patch adds to one container.
type Allow struct {
	// Container may be left out of a patch for a document with one container.
	Container string
	Type      profile.ContainerType
	// Syscalls are added to every architecture the container lists and that
	// has them; if it lists none, to amd64 and arm64.
	Syscalls []string
	Execs    []profile.Exec
	Opens    []profile.Open
	Changes  []profile.Change
	Network  profile.Network
}

// Add returns p with the entries of allow added.
func Add(p *profile.Profile, allow Allow) (*profile.Profile, error) {
	patched := profile.Normalise(p)
	c, err := target(patched, allow)
	if err != nil {
		return nil, fmt.Errorf("patch %q: %w", p.Metadata.Name, err)
	}
	added := profile.Container{Syscalls: make(map[string][]string), Execs: allow.Execs, Opens: allow.Opens, Changes: allow.Changes, Network: allow.Network}
	for _, name := range allow.Syscalls {
		arches := archesWith(c, name)
		if len(arches) == 0 {
			return nil, fmt.Errorf("patch %q: no architecture of the container has a system call %q", p.Metadata.Name, name)
		}
		for _, arch := range arches {
			added.Syscalls[arch] = append(added.Syscalls[arch], name)
		}
	}
	*c = profile.MergeContainers(*c, added)
	return reread(patched)
}

// target finds the container that allow is about.
func target(p *profile.Profile, allow Allow) (*profile.Container, error) {
	containers := p.Spec.Containers
	if allow.Container == "" && len(containers) == 1 {
		return &containers[0], nil
	}
	typ := allow.Type
	if typ == profile.ContainerRegular {
		typ = "" // as Normalise writes it
	}
	var names []string
	for i := range containers {
		if containers[i].Name == allow.Container && containers[i].Type == typ {
			return &containers[i], nil
		}
		names = append(names, containers[i].Name)
	}
	return nil, fmt.Errorf("no container %q; there are: %s", allow.Container, strings.Join(names, ", "))
}

func archesWith(c *profile.Container, name string) []string {
	var arches []string
	for arch := range c.Syscalls {
		arches = append(arches, arch)
	}
	if len(arches) == 0 {
		arches = []string{"amd64", "arm64"}
	}
	return slices.DeleteFunc(arches, func(arch string) bool {
		_, ok := syscalls.Number(arch, name)
		return !ok
	})
}

// JSON applies an RFC 6902 patch to the normalised document: indexes
// count in the order of Canonical. The result is checked like any document.
func JSON(p *profile.Profile, patch []byte) (*profile.Profile, error) {
	if err := yamlfile.CheckInput(patch); err != nil {
		return nil, fmt.Errorf("patch %q: %w", p.Metadata.Name, err)
	}
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, fmt.Errorf("patch %q: decode operations: %w", p.Metadata.Name, err)
	}
	text, err := json.Marshal(profile.Normalise(p))
	if err != nil {
		return nil, fmt.Errorf("patch %q: %w", p.Metadata.Name, err)
	}
	options := jsonpatch.NewApplyOptions()
	// A list copied into itself doubles with every operation.
	options.AccumulatedCopySizeLimit = yamlfile.MaxInputBytes
	text, err = operations.ApplyWithOptions(text, options)
	if err != nil {
		return nil, fmt.Errorf("patch %q: %w", p.Metadata.Name, err)
	}
	return parsePatched(p.Metadata.Name, text)
}

// reread checks a document that was built from the input of a user.
func reread(p *profile.Profile) (*profile.Profile, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("patch %q: %w", p.Metadata.Name, err)
	}
	return parsePatched(p.Metadata.Name, text)
}

func parsePatched(name string, text []byte) (*profile.Profile, error) {
	profiles, err := profile.Parse("patched "+name, text)
	if err != nil {
		return nil, err
	}
	if len(profiles) != 1 {
		return nil, fmt.Errorf("patch %q: the result is not one document", name)
	}
	return profiles[0], nil
}
