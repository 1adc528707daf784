package detector

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// checkMoved: no profile can allow it. What a process does after it left is not
// reported as this container's any more.
func checkMoved(e *event.Event) (Deviation, bool) {
	return Deviation{Rule: rule.LeftContainer, Severity: severity.Critical, Event: e}, true
}
