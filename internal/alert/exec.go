package alert

import (
	"fmt"
	"strings"

	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/interpreter"
	"bobwatch/internal/names"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/rule"
)

// Exec is an execution outside of the profile. Path is absolute, or memfd:NAME,
// outside:/PATH or truncated:/REST.
type Exec struct {
	Path string   `json:"path"`
	Args []string `json:"args,omitempty"` // with argv[0]
	File File     `json:"file"`
}

var execTeller = teller{
	describe: func(_ string, e *event.Event, command *process.Command) Deviation {
		return Deviation{Exec: &Exec{
			Path: Printable(string(e.Path), maxPath),
			Args: printableArgs(command.Args, command.ArgsTruncated, maxArgs),
			File: fileOf(e),
		}}
	},
	// By the program that launched it, so that a shell started by the web server
	// and one started from outside are two incidents.
	identity: func(f fold, broken rule.ID, e *event.Event, chain *process.Chain) []string {
		program := generalise.Program(string(e.Path))
		fields := []string{program, generalise.Program(chain[1].Exe)}
		if broken == rule.UnexpectedArguments || interpreter.Is(e.Path, e.Args) {
			// The arguments of an interpreter are code: a harmless sh -c true does not
			// stand for any other code.
			fields = append(fields, f.args(program, strings.Split(chain[0].Args, "\x00"))...)
		}
		return fields
	},
	sentence: func(d detector.Deviation, a *Alert, command *process.Command) string {
		return launched(d.Rule, d.Event, a, command)
	},
	allow: func(e *event.Event, _ *Deviation) (profile.Container, bool) {
		exec, ok := allowExec(e)
		return profile.Container{Execs: []profile.Exec{exec}}, ok
	},
}

// launched says which program was executed, and how, if how is what broke the rule.
func launched(broken rule.ID, e *event.Event, a *Alert, command *process.Command) string {
	path := Printable(string(e.Path), maxShown)
	if broken != rule.UnexpectedArguments {
		return fmt.Sprintf("process %s launched %s", path, launcher(e, a))
	}
	args := Printable(strings.ReplaceAll(command.Args, "\x00", " "), maxShown)
	return fmt.Sprintf("arguments of %s launched %s: %s", path, launcher(e, a), args)
}

// launcher names who executed a program. After the execution the process
// itself carries the new name, so it is the parent.
func launcher(e *event.Event, a *Alert) string {
	switch {
	case len(a.Ancestors) > 0:
		return "by " + a.Ancestors[0].Comm
	case e.Origin == event.OriginOutside:
		return "from outside of the container"
	}
	return "as the container's first process"
}

// allowExec names the arguments one by one. It allows any arguments in place of a cut
// end, unless they could be code.
func allowExec(e *event.Event) (profile.Exec, bool) {
	path, ok := literalPath(e)
	if !ok {
		return profile.Exec{}, false
	}
	exec := profile.Exec{Path: generalise.Program(names.QuotePath(path))}
	if len(e.Args) == 0 {
		exec.ArgsRequired = true
		return exec, true
	}
	args := strings.Split(strings.TrimSuffix(string(e.Args), "\x00"), "\x00")
	cut := e.Has(event.FlagArgsTruncated)
	pattern, ok := generalise.ObservedArgs(path, args, cut)
	if !ok {
		return profile.Exec{}, false
	}
	for i, arg := range pattern {
		if !literal(arg) && !(cut && i == len(pattern)-1) {
			return profile.Exec{}, false
		}
	}
	exec.Args = pattern
	return exec, true
}
