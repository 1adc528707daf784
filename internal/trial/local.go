package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"bobwatch/internal/observe"
	"bobwatch/internal/profile"
	"bobwatch/internal/report"
	"bobwatch/internal/term"
)

// Local watches a container of this machine, or a program that it starts.
type Local struct {
	Terminal  *term.Terminal
	Tool      string // that the document learned names as its maker
	container string
	sockets   []string
	as        string
	Args      []string
}

// Register registers the flags that name the watched container.
func (l *Local) Register(flags *pflag.FlagSet) {
	flags.StringVar(&l.container, "container", "", "watch the container on this machine with this `ID`, the beginning of its ID, or its name")
	flags.StringArrayVar(&l.sockets, "containerd", nil, "ask the containerd at `SOCKET` (repeatable; default: the usual places)")
	flags.StringVar(&l.as, "as", "", "compare with the container `NAME` of BOB (default: the only one)")
}

// Chosen reports whether the command line names anything.
func (l *Local) Chosen() bool { return l.container != "" || len(l.Args) > 0 }

// Observe watches for d, and holds what it sees to the document.
func (l *Local) Observe(ctx context.Context, document *profile.Profile, d time.Duration) (report.Trial, error) {
	if l.container != "" && len(l.Args) > 0 {
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
	if len(l.Args) > 0 {
		command = exec.Command(l.Args[0], l.Args[1:]...)
		if command.Err != nil {
			return report.Trial{}, command.Err
		}
		// The output of the program must not mix with the report.
		command.Stdin, command.Stdout, command.Stderr = l.Terminal.In, l.Terminal.Err, l.Terminal.Err
		observer, err = observe.Command(command)
	} else {
		observer, err = observe.Containers(observe.Target{Container: l.container}, l.sockets)
	}
	if err != nil {
		return report.Trial{}, err
	}
	judge, err := newJudge(document, as, hostname(), l.Tool)
	if err != nil {
		return report.Trial{}, err
	}
	trial, err := observeTrial(ctx, observer, judge, d)
	if err == nil && command != nil && command.ProcessState != nil && !command.ProcessState.Success() && ctx.Err() == nil {
		fmt.Fprintf(l.Terminal.Err, "%s: %s\n", term.Printable(l.Args[0]), command.ProcessState)
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

var errSeveralContainers = errors.New("the document has several containers; say by --as which one this is")

// onlyContainer returns the name of the container of a document that something
// without a name of its own is held to.
func onlyContainer(p *profile.Profile, named string) (string, error) {
	var names []string
	for _, c := range p.Spec.Containers {
		if p.Guards(&c) {
			names = append(names, c.Name)
		}
	}
	switch {
	case named != "":
		if slices.Contains(names, named) {
			return named, nil
		}
		return "", fmt.Errorf("--as %s: the document has no such container; there are: %s", term.Word(named), term.JoinWords(names))
	case len(names) == 1:
		return cmp.Or(names[0], "any"), nil
	case len(names) == 0:
		return "", errors.New("the document says nothing of what a container does")
	}
	return "", errSeveralContainers
}
