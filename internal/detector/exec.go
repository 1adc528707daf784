package detector

import (
	"bobwatch/internal/event"
	"bobwatch/internal/interpreter"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

func checkExec(e *event.Event, m *match.Matcher) (Deviation, bool) {
	verdict := m.Exec(e.Path, e.Args)
	switch verdict {
	case match.Allowed:
		return Deviation{}, false
	case match.DetailUnknown:
		grade := execSeverity(e, severity.Low)
		return Deviation{Rule: rule.UnexpectedArguments, Severity: grade, Verdict: verdict, Event: e}, true
	default:
		grade := execSeverity(e, severity.Medium)
		return Deviation{Rule: rule.UnexpectedProcess, Severity: grade, Verdict: verdict, Event: e}, true
	}
}

// execSeverity raises the severity of an unexpected execution, depending on the file
// and on how the process came into the container.
func execSeverity(e *event.Event, grade severity.Severity) severity.Severity {
	if interpreter.Is(e.Path, e.Args) {
		grade = max(severity.Medium, grade) // what it is handed is code
	}
	if e.Has(event.FlagMemfd) {
		return severity.Critical // no file to look at afterwards: made to hide
	}
	if e.Flags&(event.FlagUpperLayer|event.FlagDeleted|event.FlagOutside) != 0 {
		return max(severity.High, grade) // no file of the image
	}
	// Without a terminal it is a probe as often as a person; with one, somebody
	// sits there and types.
	if e.Origin == event.OriginOutside && e.Has(event.FlagTTY) {
		return raise(grade)
	}
	return grade
}
