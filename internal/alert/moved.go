package alert

import (
	"fmt"

	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/rule"
)

// Moved is a process that left the container.
type Moved struct {
	Cgroup string `json:"cgroup"` // where it went, below the hierarchy's root
}

var movedTeller = teller{
	describe: func(_ string, e *event.Event, _ *process.Command) Deviation {
		return Deviation{Moved: &Moved{Cgroup: Printable(string(e.Path), maxPath)}}
	},
	identity: func(_ fold, _ rule.ID, e *event.Event, chain *process.Chain) []string {
		return []string{foldPath(string(e.Path)), generalise.Program(chain[0].Exe)}
	},
	sentence: func(d detector.Deviation, a *Alert, _ *process.Command) string {
		return fmt.Sprintf("%s left its container for cgroup %s", a.Process.Comm, Printable(string(d.Event.Path), maxShown))
	},
	allow: func(*event.Event, *Deviation) (profile.Container, bool) { return profile.Container{}, false },
}
