package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os/exec"
)

// bpftraceProgram counts by system call, as one would by hand. bpftrace has
// attached everything once the interval, its last probe, fires.
const bpftraceProgram = `
tracepoint:raw_syscalls:sys_enter { @[args->id] = count(); }
interval:ms:100 /!@attached/ { @attached = 1; printf("attached\n"); }`

// A tracer is a running bpftrace.
type tracer struct{ cmd *exec.Cmd }

func startBpftrace() (*tracer, error) {
	cmd := exec.Command("bpftrace", "-e", bpftraceProgram)
	var complaints bytes.Buffer // of the memory limit, for one, which no longer matters
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start bpftrace: %w", err)
	}
	t := &tracer{cmd}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "attached" {
			return t, nil
		}
	}
	err = t.Close()
	return nil, errors.Join(fmt.Errorf("start bpftrace: it did not attach: %s", &complaints), err)
}

// Close ends bpftrace and waits until its programs are out of the kernel.
func (t *tracer) Close() error {
	killErr := t.cmd.Process.Kill()
	err := t.cmd.Wait()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		err = nil // it was killed
	}
	return errors.Join(killErr, err)
}
