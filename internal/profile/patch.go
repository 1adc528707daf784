package profile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"bobwatch/internal/yamlfile"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"bobwatch/internal/syscalls"
)

// Allow names what a patch adds to one container.
type Allow struct {
	// Container may be left out of a patch for a document with one container.
	Container string
	Type      ContainerType
	// Syscalls are added to every architecture the container lists and that
	// has them; if it lists none, to amd64 and arm64.
	Syscalls []string
	Execs    []Exec
	Opens    []Open
	Changes  []Change
	Network  Network
}

// Patch returns p with what allow names allowed as well.
func Patch(p *Profile, allow Allow) (*Profile, error) {
	patched := Normalise(p)
	c, err := patched.patchTarget(allow)
	if err != nil {
		return nil, fmt.Errorf("patch %q: %w", p.Metadata.Name, err)
	}
	added := Container{Syscalls: make(map[string][]string), Execs: allow.Execs, Opens: allow.Opens, Changes: allow.Changes, Network: allow.Network}
	for _, name := range allow.Syscalls {
		arches := archesWith(c, name)
		if len(arches) == 0 {
			return nil, fmt.Errorf("patch %q: no architecture of the container has a system call %q", p.Metadata.Name, name)
		}
		for _, arch := range arches {
			added.Syscalls[arch] = append(added.Syscalls[arch], name)
		}
	}
	*c = MergeContainers(*c, added)
	return reread(patched)
}

// patchTarget finds the container that allow is about.
func (p *Profile) patchTarget(allow Allow) (*Container, error) {
	containers := p.Spec.Containers
	if allow.Container == "" && len(containers) == 1 {
		return &containers[0], nil
	}
	wanted := Container{Name: allow.Container, Type: allow.Type}
	var names []string
	for i := range containers {
		if containers[i].key() == wanted.key() {
			return &containers[i], nil
		}
		names = append(names, containers[i].Name)
	}
	return nil, fmt.Errorf("no container %q; there are: %s", allow.Container, strings.Join(names, ", "))
}

func archesWith(c *Container, name string) []string {
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

// PatchJSON applies an RFC 6902 patch to the normalised document: indexes
// count in the order of Canonical. The result is checked like any document.
func PatchJSON(p *Profile, patch []byte) (*Profile, error) {
	if err := yamlfile.CheckInput(patch); err != nil {
		return nil, fmt.Errorf("patch %q: %w", p.Metadata.Name, err)
	}
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, fmt.Errorf("patch %q: decode operations: %w", p.Metadata.Name, err)
	}
	text, err := json.Marshal(Normalise(p))
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

// reread checks a document that was built from what somebody typed.
func reread(p *Profile) (*Profile, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("patch %q: %w", p.Metadata.Name, err)
	}
	return parsePatched(p.Metadata.Name, text)
}

func parsePatched(name string, text []byte) (*Profile, error) {
	profiles, err := Parse("patched "+name, text)
	if err != nil {
		return nil, err
	}
	if len(profiles) != 1 {
		return nil, fmt.Errorf("patch %q: the result is not one document", name)
	}
	return profiles[0], nil
}
