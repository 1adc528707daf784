package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/pflag"

	"bobwatch/internal/observe"
	"bobwatch/internal/profile"
	"bobwatch/internal/report"
	"bobwatch/internal/term"
)

// localTrial watches a container of this machine, or a program that it starts.
type localTrial struct {
	terminal  *term.Terminal
	container string
	sockets   []string
	as        string
	args      []string
}

func (l *localTrial) register(flags *pflag.FlagSet) {
	flags.StringVar(&l.container, "container", "", "watch the container of this machine with this `ID` or beginning of one, or with this name")
	flags.StringArrayVar(&l.sockets, "containerd", nil, "ask the containerd at `SOCKET` (repeatable; default: the usual places)")
	flags.StringVar(&l.as, "as", "", "hold it to the container `NAME` of BOB; without, to the only one")
}

func (l *localTrial) chosen() bool { return l.container != "" || len(l.args) > 0 }

func (l *localTrial) watch(ctx context.Context, document *profile.Profile, d time.Duration) (report.Trial, error) {
	if l.container != "" && len(l.args) > 0 {
		return report.Trial{}, term.Usagef("watch either --container or CMD")
	}
	as, err := onlyContainer(document, l.as)
	if errors.Is(err, errSeveralContainers) && l.container != "" {
		as, err = "", nil // it has a name
	}
	if err != nil {
		return report.Trial{}, err
	}
	var command *exec.Cmd
	var observer *observe.Observer
	if len(l.args) > 0 {
		command = exec.Command(l.args[0], l.args[1:]...)
		if command.Err != nil {
			return report.Trial{}, command.Err
		}
		// What the program writes is not the report.
		command.Stdin, command.Stdout, command.Stderr = l.terminal.In, l.terminal.Err, l.terminal.Err
		observer, err = observe.Command(command)
	} else {
		observer, err = observe.Containers(observe.Target{Container: l.container}, l.sockets)
	}
	if err != nil {
		return report.Trial{}, err
	}
	judge, err := newJudge(document, as, hostname())
	if err != nil {
		return report.Trial{}, err
	}
	trial, err := observeTrial(ctx, observer, judge, d)
	if err == nil && command != nil && command.ProcessState != nil && !command.ProcessState.Success() && ctx.Err() == nil {
		fmt.Fprintf(l.terminal.Err, "%s: %s\n", term.Printable(l.args[0]), command.ProcessState)
	}
	return trial, err
}

// observeTrial observes until there is nothing more to observe or the time is
// over, and closes the observer.
func observeTrial(ctx context.Context, observer *observe.Observer, j *judge, d time.Duration) (report.Trial, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	err := observer.Run(ctx, j)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = nil // the time is over, or the user has enough
	}
	if err := errors.Join(err, observer.Close()); err != nil {
		return report.Trial{}, err
	}
	return j.result()
}

func hostname() string {
	name, _ := os.Hostname() // without one it has no name
	return cmp.Or(os.Getenv("NODE_NAME"), name)
}
