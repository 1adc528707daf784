package alert

import (
	"strings"

	"bobwatch/internal/detector"
	"bobwatch/internal/process"
	"bobwatch/internal/rule"
)

// maxShown bounds a path or argument vector inside a sentence, in bytes.
const maxShown = 200

// message describes the act in one sentence. command is the command line of the
// event's process.
func message(d detector.Deviation, a *Alert, command *process.Command) string {
	act := tellerOf(d.Event.Kind).sentence(d, a, command)
	if d.Message != "" {
		return Printable(d.Message, 2*maxShown)
	}
	if a.Deviation.Moved != nil {
		return act
	}
	if r, ok := rule.Lookup(d.Rule); ok && r.Profile == rule.NeedsProfile {
		return "unexpected " + act
	}
	return strings.TrimSuffix(d.Rule.Name()+": "+act, ": ")
}
