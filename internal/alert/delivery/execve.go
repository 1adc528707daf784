package delivery

import (
	"slices"
	"time"

	"bobwatch/internal/alert"
)

// An execution of an unexpected program begins with a system call, execve, that
// may be unexpected as well. Both are one act: the call waits for the execution,
// and is reported for itself if none is.
const (
	execPatience = time.Second
	maxCalls     = 256
)

// calls are the alerts of execve that wait.
type calls struct {
	waiting []waitingCall // the oldest first
}

type waitingCall struct {
	alert alert.Alert
	since time.Time
}

// hold takes an alert of execve, and reports whether it waits.
func (c *calls) hold(a *alert.Alert, now time.Time) bool {
	call := a.Deviation.Syscall
	if call == nil || call.Name != "execve" && call.Name != "execveat" || len(a.Lineage) == 0 || len(c.waiting) >= maxCalls {
		return false
	}
	c.waiting = append(c.waiting, waitingCall{*a, now})
	return true
}

// waits reports whether a call waits that came by then.
func (c *calls) waits(then time.Time) bool {
	return len(c.waiting) > 0 && !c.waiting[0].since.After(then)
}

// executed drops the calls of the process that executed a program.
func (c *calls) executed(a *alert.Alert) {
	if a.Deviation.Exec == nil || len(a.Lineage) == 0 || len(c.waiting) == 0 {
		return
	}
	c.waiting = slices.DeleteFunc(c.waiting, func(w waitingCall) bool {
		return w.alert.Lineage[0] == a.Lineage[0] && w.alert.Container.ID == a.Container.ID
	})
}

// due returns the calls that no execution followed.
func (c *calls) due(now time.Time, end bool) []alert.Alert {
	var out []alert.Alert
	for len(c.waiting) > 0 && (end || now.Sub(c.waiting[0].since) >= execPatience) {
		out = append(out, c.waiting[0].alert)
		c.waiting = slices.Delete(c.waiting, 0, 1)
	}
	return out
}
