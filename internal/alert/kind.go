package alert

import (
	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
)

// teller describes one kind of event in alerts. Each is in its own file.
type teller struct {
	// describe describes the act. command is the command line of the event's process.
	describe func(arch string, e *event.Event, command *process.Command) Deviation
	// identity returns the act in generalised form, and the binary that did it:
	// everything that stays the same when the act is done again, even under
	// another name of the same family.
	identity func(f fold, broken rule.ID, e *event.Event, chain *process.Chain) []string
	// sentence says the same for people. command is as for describe.
	sentence func(d detector.Deviation, a *Alert, command *process.Command) string
	// allow returns the entry of a document that accepts the act; false if there
	// is none, or none that would not accept more.
	allow func(e *event.Event, d *Deviation) (profile.Container, bool)
}

// tellers has one for each kind of event that can deviate.
var tellers = map[event.Kind]*teller{
	event.KindSyscall:    &syscallTeller,
	event.KindExec:       &execTeller,
	event.KindOpen:       &openTeller,
	event.KindChange:     &changeTeller,
	event.KindMoved:      &movedTeller,
	event.KindConnection: &contactTeller,
	event.KindSocket:     &socketTeller,
}

// tellerOf returns the teller of a kind. The teller of a kind that cannot deviate
// describes only the process.
func tellerOf(kind event.Kind) *teller {
	if t := tellers[kind]; t != nil {
		return t
	}
	return &teller{
		describe: func(string, *event.Event, *process.Command) Deviation { return Deviation{} },
		identity: movedTeller.identity,
		sentence: func(detector.Deviation, *Alert, *process.Command) string { return "" },
		allow:    movedTeller.allow,
	}
}
