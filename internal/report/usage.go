package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/profile"
	"bobwatch/internal/syscalls"
)

// containers says of each container how it used the document.
func (t *Trial) containers(held *profile.Profile, found []*finding) []Container {
	all := []Container{}
	listed := onArches(t.Document, held)
	unused := profile.Unused(listed, held)
	for i := range listed.Spec.Containers {
		c := &listed.Spec.Containers[i]
		if !t.Document.Guards(c) {
			continue
		}
		rest := &profile.Container{}
		for j := range unused {
			if unused[j].Name == c.Name && unused[j].Type == c.Type {
				rest = &unused[j]
			}
		}
		all = append(all, Container{
			Name:       shown(c.Name),
			Type:       c.Type,
			Usage:      usage(c, rest, found),
			Unused:     unusedEntries(rest),
			Equivalent: equivalents(c, held),
		})
	}
	return all
}

// onArches returns p with the system calls of the architectures only on which
// something was seen.
func onArches(p, seen *profile.Profile) *profile.Profile {
	arches := make(map[string]bool)
	for _, c := range seen.Spec.Containers {
		for arch := range c.Syscalls {
			arches[arch] = true
		}
	}
	if len(arches) == 0 {
		return p
	}
	part := *p
	part.Spec.Containers = slices.Clone(p.Spec.Containers)
	for i := range part.Spec.Containers {
		c := &part.Spec.Containers[i]
		c.Syscalls = maps.Clone(c.Syscalls)
		maps.DeleteFunc(c.Syscalls, func(arch string, _ []string) bool { return !arches[arch] })
	}
	return &part
}

func usage(c, unused *profile.Container, found []*finding) map[Section]Usage {
	listed, rest := counts(c), counts(unused)
	all := make(map[Section]Usage)
	for _, section := range sections {
		u := Usage{Listed: listed[section], Used: listed[section] - rest[section]}
		for _, f := range found {
			if f.Section == section && (f.Container == shown(c.Name) || c.Name == "") {
				u.Deviations++
			}
		}
		all[section] = u
	}
	return all
}

// counts returns the numbers of entries, system calls by family.
func counts(c *profile.Container) map[Section]int {
	n := map[Section]int{Execs: len(c.Execs), Opens: len(c.Opens)}
	for _, names := range c.Syscalls {
		families := make(map[string]bool)
		for _, name := range names {
			families[syscalls.Family(name)] = true
		}
		n[Syscalls] += len(families)
	}
	return n
}

func unusedEntries(c *profile.Container) []Unused {
	all := []Unused{}
	for arch, families := range c.Syscalls {
		for _, family := range families {
			u := Unused{Section: Syscalls, Text: shown(family), Note: unusedCall(family)}
			if len(c.Syscalls) > 1 {
				u.Text += " (" + shown(arch) + ")"
			}
			all = append(all, u)
		}
	}
	for _, exec := range c.Execs {
		single := profile.Container{Execs: []profile.Exec{exec}}
		all = append(all, Unused{Section: Execs, Text: strings.TrimPrefix(actOf(&single), "execution of ")})
	}
	for _, open := range c.Opens {
		u := Unused{Section: Opens, Text: strings.TrimSpace(shown(open.Path + " " + strings.Join(open.Flags, " ")))}
		u.Note = differences[platformFile(open)]
		all = append(all, u)
	}
	slices.SortStableFunc(all, func(a, b Unused) int { return cmp.Compare(rank(a.Section), rank(b.Section)) })
	return all
}

func rank(s Section) int { return slices.Index(sections, s) }

// unusedCall says why a system call of a document may never be made.
func unusedCall(family string) string {
	if slices.Contains(runtimeCalls, family) {
		return differences[platformRuntime]
	}
	return differences[platformCalls[family]]
}

// equivalents names the calls that the document has by another name of their
// family only.
func equivalents(c *profile.Container, held *profile.Profile) []string {
	var all []string
	for _, seen := range held.Spec.Containers {
		if seen.Type != c.Type || seen.Name != c.Name && c.Name != "" {
			continue
		}
		for arch, names := range seen.Syscalls {
			listed := c.Syscalls[arch]
			for _, name := range names {
				if as := listedAs(listed, name); as != "" && as != name {
					all = append(all, shown(name+" for "+as))
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// listedAs returns name if it is listed, or else a listed one of its family.
func listedAs(listed []string, name string) string {
	if slices.Contains(listed, name) {
		return name
	}
	family := syscalls.Family(name)
	i := slices.IndexFunc(listed, func(l string) bool { return syscalls.Family(l) == family })
	if i < 0 {
		return ""
	}
	return listed[i]
}
