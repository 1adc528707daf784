package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// A child is this program once more, in a role that its first argument names.
// It obeys orders from its standard input until that ends. In a cgroup it has a
// mount namespace of its own, as a container's process would.
type child struct {
	cmd     *exec.Cmd
	cgroup  *cgroup // nil beside the bench itself
	orders  io.WriteCloser
	answers io.ReadCloser
}

// startChild starts a child in a cgroup, or beside the bench itself if that is
// nil. The cgroup goes away with the child.
func startChild(role string, c *cgroup) (*child, error) {
	ch := &child{cmd: exec.Command("/proc/self/exe", role), cgroup: c}
	ch.cmd.Stderr = os.Stderr
	if c != nil {
		dir, err := os.Open(c.dir)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", role, err)
		}
		defer dir.Close()
		ch.cmd.SysProcAttr = &syscall.SysProcAttr{
			UseCgroupFD: true,
			CgroupFD:    int(dir.Fd()),
			Cloneflags:  syscall.CLONE_NEWNS,
		}
	}
	var err1, err2 error
	ch.orders, err1 = ch.cmd.StdinPipe()
	ch.answers, err2 = ch.cmd.StdoutPipe()
	if err := errors.Join(err1, err2, ch.cmd.Start()); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	return ch, nil
}

// startChildIn starts a child in a cgroup of its own.
func startChildIn(root, name, role string) (*child, error) {
	c, err := makeCgroup(root, fmt.Sprintf("%s%s-%d", cgroupPrefix, name, os.Getpid()))
	if err != nil {
		return nil, err
	}
	ch, err := startChild(role, c)
	if err != nil {
		return nil, errors.Join(err, c.remove())
	}
	return ch, nil
}

// order sends an order and waits for the answer.
func (ch *child) order(order, answer any) error {
	if err := binary.Write(ch.orders, binary.NativeEndian, order); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	if err := binary.Read(ch.answers, binary.NativeEndian, answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// stop ends the child, waits for it and removes its cgroup.
func (ch *child) stop() error {
	err := errors.Join(ch.orders.Close(), ch.cmd.Wait())
	if ch.cgroup != nil {
		err = errors.Join(err, ch.cgroup.remove())
	}
	return err
}
