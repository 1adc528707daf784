package testenv

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// InNetwork calls f on a thread that is in the container's network namespace.
// Sockets that f makes stay there.
func (k *Container) InNetwork(f func() error) error {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	away, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", k.PID))
	if err != nil {
		return err
	}
	defer away.Close()
	runtime.LockOSThread()
	if err := unix.Setns(int(away.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter network of container %s: %w", k.ID, err)
	}
	err = f()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return fmt.Errorf("leave network of container %s: %w", k.ID, back) // and let the thread die locked
	}
	runtime.UnlockOSThread()
	return err
}

// Client returns an HTTP client that connects from within the container's
// network.
func (k *Container) Client() *http.Client {
	dial := func(_ context.Context, network, address string) (conn net.Conn, err error) {
		err = k.InNetwork(func() error {
			// An address, not a name, is dialled on the calling thread.
			conn, err = net.DialTimeout(network, address, time.Second)
			return err
		})
		return conn, err
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: 30 * time.Second}
}

// Listen listens on an address in the container's network.
func (k *Container) Listen(address string) (l net.Listener, err error) {
	err = k.InNetwork(func() error {
		l, err = net.Listen("tcp", address)
		return err
	})
	return l, err
}

// NetworkCommand returns a command of the host that will run in the
// container's network, outside of its cgroup.
func (k *Container) NetworkCommand(ctx context.Context, name string, args ...string) *exec.Cmd {
	enter := []string{"--net", "--target", strconv.Itoa(k.PID), "--", name}
	return exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
}
