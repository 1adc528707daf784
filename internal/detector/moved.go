package detector

import (
	"bobwatch/internal/event"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// checkMoved: no profile can allow it, because it is a way out of limits and of checks by
// cgroup. A process that the service manager hands over did not
// choose to go.
func checkMoved(e *event.Event) (Deviation, bool) {
	if e.Has(event.FlagHandedOver) {
		return Deviation{Rule: rule.LeftContainer, Severity: severity.Low, Event: e}, true
	}
	return Deviation{Rule: rule.LeftContainer, Severity: severity.Critical, Event: e}, true
}
