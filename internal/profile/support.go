package profile

import (
	"slices"

	"bobwatch/internal/support"
	"bobwatch/internal/syscalls"
)

// SupportCalls returns the calls that c's support sets allow on arch, none if c
// lists no call of arch. Names that arch does not have are left out.
func (c *Container) SupportCalls(arch string) []string {
	listed := c.Syscalls[arch]
	if len(listed) == 0 {
		return nil
	}
	var families []string
	for _, name := range listed {
		families = append(families, syscalls.Members(syscalls.Family(name))...)
	}
	var names []string
	for _, set := range c.supportSets() {
		for _, calls := range set.Calls {
			if calls.Applies(families) {
				names = append(names, calls.Names...)
			}
		}
	}
	return sortedSet(slices.DeleteFunc(names, func(name string) bool {
		_, ok := syscalls.Number(arch, name)
		return !ok
	}))
}

// SupportOpens returns the opens that c's support sets allow, of files that were
// not written in the container.
func (c *Container) SupportOpens() []Open {
	var opens []Open
	for _, set := range c.supportSets() {
		for _, path := range set.Opens {
			opens = append(opens, Open{Path: path, Flags: []string{"O_RDONLY"}})
		}
	}
	return NormaliseOpens(opens)
}

// Expand returns c with the members of its support sets and directories as entries, and
// without the sets and directories. The opens allow more than the directories did.
func Expand(c Container) Container {
	c = expandSupport(c)
	c.Opens = NormaliseOpens(slices.Concat(c.Opens, c.DirectoryOpens()))
	c.Directories = nil
	return c
}

// expandSupport returns c with the members of its support sets as entries, without the
// sets.
func expandSupport(c Container) Container {
	expanded := Container{Syscalls: make(map[string][]string), Opens: c.SupportOpens()}
	for arch := range c.Syscalls {
		expanded.Syscalls[arch] = c.SupportCalls(arch)
	}
	expanded = MergeContainers(c, expanded)
	expanded.Support = nil
	return expanded
}

func (c *Container) supportSets() []*support.Set {
	var sets []*support.Set
	for _, id := range c.Support {
		if set, ok := support.Lookup(id); ok {
			sets = append(sets, set)
		}
	}
	return sets
}
