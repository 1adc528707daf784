package listing

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/profile"
	"bobwatch/internal/severity"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/term"
)

// Document writes all that a document says.
func (l *Lister) Document(p *profile.Profile) error {
	canonical, err := p.Canonical()
	if err != nil {
		return err
	}
	title := p.Metadata.Name
	if p.Metadata.Version != "" {
		title += " " + p.Metadata.Version
	}
	if p.IsAllowance() {
		title += " (allowance: adds to other documents)"
	}
	l.line("%s", l.Terminal.Colour(term.Bold, term.Printable(title)))
	l.line("  applies to    %s", Selection(p.Spec.Workload))
	l.line("  provenance    %s", provenance(p.Spec.Provenance))
	for _, parameter := range p.Spec.Parameters {
		l.line("  parameter     %s", parameterLine(parameter))
	}
	l.line("  digest        sha256:%x", sha256.Sum256(canonical))
	for i := range p.Spec.Containers {
		l.container(&p.Spec.Containers[i])
	}
	return nil
}

func (l *Lister) container(c *profile.Container) {
	title := "container " + cmp.Or(c.Name, "(any)")
	if c.Type != "" {
		title = string(c.Type) + " " + title
	}
	l.line("\n%s", l.Terminal.Colour(term.Bold, term.Printable(title)))
	l.list("images", c.Images, term.Word)
	for _, arch := range slices.Sorted(maps.Keys(c.Syscalls)) {
		l.syscalls(arch, c.Syscalls[arch])
	}
	l.list("capabilities", c.Capabilities, term.Word)
	list(l, "execs", c.Execs, Exec)
	list(l, "opens", c.Opens, Open)
	list(l, "changes", c.Changes, Change)
	list(l, "directories", c.Directories, directoryLine)
	list(l, "egress", c.Network.Egress, neighborLine)
	list(l, "ingress", c.Network.Ingress, neighborLine)
	list(l, "listens", c.Network.Listens, func(p profile.Port) string { return term.Word(portWord(p)) })
	l.list("sockets", c.Network.Sockets, term.Word)
	l.list("unix", c.Network.Unix, term.Word)
	list(l, "endpoints", c.Endpoints, func(e profile.Endpoint) string {
		words := append([]string{e.Endpoint}, e.Methods...)
		if e.Direction != "" {
			words = append(words, e.Direction)
		}
		return term.JoinWords(words)
	})
}

// syscalls writes the names of calls in lines of text, those that reach out of
// the container in red.
func (l *Lister) syscalls(arch string, names []string) {
	const width = 76
	l.line("  %s", l.Terminal.Colour(term.Cyan, fmt.Sprintf("syscalls %s (%d)", term.Word(arch), len(names))))
	var line strings.Builder
	length := 0
	for _, name := range names {
		if length > 0 && length+1+len(name) > width {
			l.line("    %s", line.String())
			line.Reset()
			length = 0
		}
		if length > 0 {
			line.WriteByte(' ')
			length++
		}
		length += len(name)
		if syscalls.Severity(name) == severity.Critical {
			name = l.Terminal.Colour(term.Red, name)
		}
		line.WriteString(name)
	}
	l.line("    %s", line.String())
}
