package sink

import (
	"strings"
	"unicode/utf8"

	"bobwatch/internal/alert"
)

// maxCommand bounds one command line inside a chain, in bytes.
const maxCommand = 256

// processChain names the process and its ancestors, the oldest first:
// "apache2 -DFOREGROUND > sh -c id > cat /etc/shadow".
func processChain(a *alert.Alert) string {
	if a.Process.PID == 0 {
		return ""
	}
	var b strings.Builder
	for i := len(a.Ancestors) - 1; i >= 0; i-- {
		b.WriteString(cut(commandLine(&a.Ancestors[i]), maxCommand) + " > ")
	}
	return b.String() + cut(commandLine(&a.Process), maxCommand)
}

// commandLine returns the arguments of p, or else its program or name.
func commandLine(p *alert.Process) string {
	switch {
	case len(p.Args) > 0:
		return strings.Join(p.Args, " ")
	case p.Exe != "":
		return p.Exe
	}
	return p.Comm
}

// cut returns at most limit bytes of s, and the mark of a cut.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}
