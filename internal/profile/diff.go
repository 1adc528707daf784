package profile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Difference holds the entries that only one of two documents allows, by container.
type Difference struct {
	// RemovedSenses are the sections that only the first document speaks for,
	// AddedSenses those that only the second does.
	RemovedSenses, AddedSenses []Sense
	Containers                 []ContainerDifference
}

// ContainerDifference holds the entries that one document allows a container and the
// other does not: Removed those of the first, Added those of the second. System calls are
// named by family.
type ContainerDifference struct {
	Name           string
	Type           ContainerType
	Removed, Added Container
}

// Diff compares the entries and senses of a and b. An entry that the other document
// covers in another way, by a pattern or by another member of a family, is no
// difference.
func Diff(a, b *Profile) *Difference {
	byKey := make(map[containerKey]ContainerDifference)
	side := func(containers []Container, put func(*ContainerDifference, Container)) {
		for _, c := range containers {
			d := byKey[c.key()]
			d.Name, d.Type = c.Name, c.Type
			put(&d, c)
			byKey[c.key()] = d
		}
	}
	side(Covers(b, a), func(d *ContainerDifference, c Container) { d.Removed = c })
	side(Covers(a, b), func(d *ContainerDifference, c Container) { d.Added = c })
	d := &Difference{RemovedSenses: MissingSenses(b, a), AddedSenses: MissingSenses(a, b)}
	d.Containers = slices.SortedFunc(maps.Values(byKey), func(a, b ContainerDifference) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	return d
}

// Empty reports whether there is no difference.
func (d *Difference) Empty() bool {
	return len(d.Containers)+len(d.RemovedSenses)+len(d.AddedSenses) == 0
}

// String lists the difference by container and section, one entry a line:
// "-" marks entries that only the first document allows, "+" those that only the second
// allows. It is empty if there is none.
func (d *Difference) String() string {
	var b strings.Builder
	if len(d.RemovedSenses)+len(d.AddedSenses) > 0 {
		b.WriteString("senses\n")
		writeEntries(&b, '-', d.RemovedSenses)
		writeEntries(&b, '+', d.AddedSenses)
	}
	for _, c := range d.Containers {
		title := "container"
		if c.Type != "" {
			title = string(c.Type) + " container"
		}
		fmt.Fprintf(&b, "%s %s\n", title, cmp.Or(printable(c.Name), "(any)"))
		removed, added := c.Removed.sections(), c.Added.sections()
		for _, name := range sortedSet(slices.Concat(slices.Collect(maps.Keys(removed)), slices.Collect(maps.Keys(added)))) {
			fmt.Fprintf(&b, "  %s\n", name)
			writeEntries(&b, '-', removed[name])
			writeEntries(&b, '+', added[name])
		}
	}
	return b.String()
}

func writeEntries[T ~string](b *strings.Builder, sign byte, entries []T) {
	for _, entry := range entries {
		fmt.Fprintf(b, "  %c %s\n", sign, entry)
	}
}

// sections returns the entries of a container as one line of text each, by
// section.
func (c *Container) sections() map[string][]string {
	sections := make(map[string][]string)
	for arch, names := range c.Syscalls {
		sections["syscalls "+printable(arch)] = printables(names)
	}
	for _, e := range c.Execs {
		sections["execs"] = append(sections["execs"], e.line())
	}
	for _, o := range c.Opens {
		line := strings.Join(append([]string{printable(o.Path)}, printables(o.Flags)...), " ")
		sections["opens"] = append(sections["opens"], line)
	}
	for _, change := range c.Changes {
		line := strings.Join(append([]string{printable(change.Path)}, printables(change.Acts)...), " ")
		sections["changes"] = append(sections["changes"], line)
	}
	for _, d := range c.Directories {
		line := strings.Join(append([]string{printable(d.Path), printable(string(d.Class))}, printables(d.Flags)...), " ")
		sections["directories"] = append(sections["directories"], line)
	}
	if len(c.Support) > 0 {
		sections["support"] = printables(c.Support)
	}
	if len(c.Capabilities) > 0 {
		sections["capabilities"] = printables(c.Capabilities)
	}
	for _, n := range c.Network.Egress {
		sections["network egress"] = append(sections["network egress"], jsonText(n))
	}
	for _, n := range c.Network.Ingress {
		sections["network ingress"] = append(sections["network ingress"], jsonText(n))
	}
	for _, p := range c.Network.Listens {
		sections["network listens"] = append(sections["network listens"], jsonText(p))
	}
	if len(c.Network.Sockets) > 0 {
		sections["network sockets"] = printables(c.Network.Sockets)
	}
	if len(c.Network.Unix) > 0 {
		sections["network unix"] = printables(c.Network.Unix)
	}
	for _, e := range c.Endpoints {
		sections["endpoints"] = append(sections["endpoints"], jsonText(e))
	}
	return sections
}

// line writes an execution as path: arguments.
func (e Exec) line() string {
	switch {
	case len(e.Args) > 0:
		return printable(e.Path) + ": " + strings.Join(printables(e.Args), " ")
	case e.ArgsRequired:
		return printable(e.Path) + ": (no arguments)"
	}
	return printable(e.Path) + ": (any arguments)"
}

// printable quotes what would not stand on one line as one word. Documents
// hold names that hostile containers chose.
func printable(text string) string {
	odd := func(r rune) bool {
		return !unicode.IsPrint(r) || unicode.IsSpace(r) || r == '"' || r == unicode.ReplacementChar
	}
	if text != "" && strings.ContainsFunc(text, odd) {
		return strconv.Quote(text)
	}
	return text
}

func printables(texts []string) []string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = printable(text)
		if text == "" {
			quoted[i] = `""`
		}
	}
	return quoted
}
