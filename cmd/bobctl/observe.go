package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"bobwatch/internal/observe"
	"bobwatch/internal/term"
)

// observation is whom record, trace and summary watch, and for how long.
type observation struct {
	terminal  *term.Terminal
	container string
	pod       string
	workload  string
	cgroup    string
	sockets   []string
	duration  time.Duration
	command   *exec.Cmd // nil if containers are observed
}

// observationHelp is what the help of these commands has in common.
const observationHelp = `
What is observed is a program that bobctl starts, CMD, in a cgroup of its own
and with everything that it starts in turn; or what runs on this machine already:
a container, a pod, a workload, a service. Containers of a pod or workload that
start later are observed too, from their start.

It takes root, or cap_bpf and cap_perfmon. An agent that runs on the same machine
is not disturbed. On a node of a cluster, call the agent's own copy:
kubectl exec ds/bobwatch -- /bobctl ...`

// register makes the flags of c. Those behind CMD are CMD's.
func (o *observation) register(c *cobra.Command) {
	flags := c.Flags()
	flags.SetInterspersed(false)
	flags.StringVar(&o.container, "container", "", "observe the container with this `ID` or beginning of one, or with this name")
	flags.StringVar(&o.pod, "pod", "", "observe the pod `NAMESPACE/NAME[/CONTAINER]`")
	flags.StringVar(&o.workload, "workload", "", "observe the workload `NAMESPACE/KIND/NAME`; deploy, sts, ds and the like are kinds too")
	flags.StringVar(&o.cgroup, "cgroup", "", "observe the cgroup at `PATH` below the root of the hierarchy, such as a service's")
	flags.StringArrayVar(&o.sockets, "containerd", nil, "ask the containerd at `SOCKET` (repeatable; default: the usual places)")
	flags.DurationVar(&o.duration, "for", 0, "end after `TIME`, such as 60s; without, when CMD has ended, or with ctrl-C")
}

// open loads what observes the command args, or the containers that flags name.
func (o *observation) open(args []string) (*observe.Observer, error) {
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
	cmd.Stdin, cmd.Stdout, cmd.Stderr = o.terminal.In, o.terminal.Out, o.terminal.Err
	o.command = cmd
	return observe.Command(cmd)
}

// target returns the containers to observe, or nil if it is a command.
func (o *observation) target(args []string) (*observe.Target, error) {
	given := 0
	for _, flag := range []string{o.container, o.pod, o.workload, o.cgroup} {
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
	if o.pod != "" {
		if target.Pod, err = observe.ParsePod(o.pod); err != nil {
			return nil, term.Usagef("--pod %s: %v", term.Word(o.pod), err)
		}
	}
	if o.workload != "" {
		if target.Workload, err = observe.ParseWorkload(o.workload); err != nil {
			return nil, term.Usagef("--workload %s: %v", term.Word(o.workload), err)
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

// limit returns a context that ends with ctx, or when --for says so.
func (o *observation) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.duration == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, o.duration)
}

// run observes until there is nothing more to observe, the time is over or the
// user has enough. The error is errFound if the command ended by itself and
// says that it failed.
func (o *observation) run(ctx context.Context, observer *observe.Observer, h observe.Handler) error {
	err := observer.Run(ctx, h)
	if err != nil || o.command == nil || ctx.Err() != nil {
		return err
	}
	if state := o.command.ProcessState; !state.Success() {
		fmt.Fprintf(o.terminal.Err, "%s: %s\n", term.Printable(filepath.Base(o.command.Path)), state)
		return term.ErrFound
	}
	return nil
}
