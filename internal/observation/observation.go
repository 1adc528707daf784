// Package observation is the output of bobctl while it watches a program or workload:
// news as it comes, and the counts of acts.
package observation

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"bobwatch/internal/observe"
	"bobwatch/internal/term"
)

// Observation says which containers record, trace and summary watch, and for how long.
type Observation struct {
	Terminal  *term.Terminal
	container string
	Pod       string
	Workload  string
	cgroup    string
	sockets   []string
	duration  time.Duration
	Command   *exec.Cmd // nil if containers are observed
}

// Register registers the flags that choose the observed containers. Flags after CMD are
// CMD's.
func (o *Observation) Register(flags *pflag.FlagSet) {
	flags.SetInterspersed(false)
	flags.StringVar(&o.container, "container", "", "observe the container with this `ID`, the beginning of its ID, or its name")
	flags.StringVar(&o.Pod, "pod", "", "observe the pod `NAMESPACE/NAME[/CONTAINER]`")
	flags.StringVar(&o.Workload, "workload", "", "observe the workload `NAMESPACE/KIND/NAME`; KIND may be a short name, such as deploy, sts or ds")
	flags.StringVar(&o.cgroup, "cgroup", "", "observe the cgroup at `PATH` below the root of the hierarchy, such as the cgroup of a service")
	flags.StringArrayVar(&o.sockets, "containerd", nil, "ask the containerd at `SOCKET` (repeatable; default: the usual places)")
	flags.DurationVar(&o.duration, "for", 0, "end after `TIME`, such as 60s (default: when CMD ends, or with ctrl-C)")
}

// Open loads the observer of the command args, or of the containers that flags name.
func (o *Observation) Open(args []string) (*observe.Observer, error) {
	target, err := o.target(args)
	if err != nil {
		return nil, err
	}
	if target != nil {
		return observe.Containers(*target, o.sockets)
	}
	cmd := exec.Command(args[0], args[1:]...)
	if cmd.Err != nil {
		return nil, cmd.Err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = o.Terminal.In, o.Terminal.Out, o.Terminal.Err
	o.Command = cmd
	return observe.Command(cmd)
}

// target returns the containers to observe, or nil if it is a command.
func (o *Observation) target(args []string) (*observe.Target, error) {
	given := 0
	for _, flag := range []string{o.container, o.Pod, o.Workload, o.cgroup} {
		if flag != "" {
			given++
		}
	}
	switch {
	case o.duration < 0:
		return nil, term.Usagef("--for %s: want a time to come", o.duration)
	case given+min(len(args), 1) == 0:
		return nil, term.Usagef("say what to observe: -- CMD, --container ID, --pod NAMESPACE/NAME, --workload NAMESPACE/KIND/NAME or --cgroup PATH")
	case given+min(len(args), 1) > 1:
		return nil, term.Usagef("say one thing to observe: either CMD or one of --container, --pod, --workload and --cgroup")
	case given == 0:
		return nil, nil
	}
	target := observe.Target{Container: o.container}
	var err error
	if o.Pod != "" {
		if target.Pod, err = observe.ParsePod(o.Pod); err != nil {
			return nil, term.Usagef("--pod %s: %v", term.Word(o.Pod), err)
		}
	}
	if o.Workload != "" {
		if target.Workload, err = observe.ParseWorkload(o.Workload); err != nil {
			return nil, term.Usagef("--workload %s: %v", term.Word(o.Workload), err)
		}
	}
	if o.cgroup != "" {
		if !filepath.IsAbs(o.cgroup) {
			return nil, term.Usagef("--cgroup %s: want an absolute path, as in /proc/PID/cgroup behind 0::", term.Word(o.cgroup))
		}
		target.Cgroup = filepath.Clean(o.cgroup)
	}
	return &target, nil
}

// Limit returns a context that ends with ctx, or when --for says so.
func (o *Observation) Limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.duration == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, o.duration)
}

// Run observes until there is nothing more to observe, the time is over or the
// user has enough. The error is errFound if the command ended by itself and
// says that it failed.
func (o *Observation) Run(ctx context.Context, observer *observe.Observer, h observe.Handler) error {
	err := observer.Run(ctx, h)
	if err != nil || o.Command == nil || ctx.Err() != nil {
		return err
	}
	if state := o.Command.ProcessState; !state.Success() {
		fmt.Fprintf(o.Terminal.Err, "%s: %s\n", term.Printable(filepath.Base(o.Command.Path)), state)
		return term.ErrFound
	}
	return nil
}
