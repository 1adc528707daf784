package main

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// loopbackUp makes the container's own network work, which nothing else has.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err == nil && ifr.Uint16()&unix.IFF_UP != 0 {
		return nil
	}
	ifr.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

// bindShell waits for a peer on a port that the workload does not have.
func bindShell(string) (string, error) {
	if err := loopbackUp(); err != nil {
		return "", err
	}
	l, err := net.Listen("tcp4", "0.0.0.0:4444")
	if err != nil {
		return "", err
	}
	return "listened on " + l.Addr().String(), l.Close()
}

// scanPorts tries many ports, none of which answers.
func scanPorts(string) (string, error) {
	if err := loopbackUp(); err != nil {
		return "", err
	}
	refused := 0
	for port := range 200 {
		c, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", 20_000+port), time.Second)
		if err != nil {
			refused++
			continue
		}
		c.Close()
	}
	return fmt.Sprintf("%d ports refused", refused), nil
}

// packetSocket is what a sniffer opens.
func packetSocket(string) (string, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	return "opened a packet socket", unix.Close(fd)
}

// exfiltrate sends a datagram to a port that the workload never sends to.
func exfiltrate(string) (string, error) {
	if err := loopbackUp(); err != nil {
		return "", err
	}
	c, err := net.Dial("udp4", "127.0.0.2:5353")
	if err != nil {
		return "", err
	}
	defer c.Close()
	_, err = c.Write([]byte("a secret of sixteen"))
	return "sent a datagram", err
}

// controlSocket asks what looks like the container runtime's socket.
func controlSocket(target string) (string, error) {
	l, err := net.Listen("unix", target)
	if err != nil {
		return "", err
	}
	defer l.Close()
	c, err := net.Dial("unix", target)
	if err != nil {
		return "", err
	}
	return "connected to " + target, c.Close()
}

// ownAddress gives the container an address, so that a route leads there.
func ownAddress(address netip.Addr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo:1")
	if err != nil {
		return err
	}
	if err := ifr.SetInet4Addr(address.AsSlice()); err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, unix.SIOCSIFADDR, ifr)
}

// connect tries to reach a peer, whether or not it answers.
func connect(to string) (string, error) {
	if err := loopbackUp(); err != nil {
		return "", err
	}
	address, err := netip.ParseAddrPort(to)
	if err != nil {
		return "", err
	}
	if err := ownAddress(address.Addr()); err != nil {
		return "", err
	}
	c, err := net.DialTimeout("tcp4", to, time.Second)
	if err != nil {
		return "tried: " + err.Error(), nil
	}
	return "connected to " + to, c.Close()
}

// openSocket opens a socket of a family.
func openSocket(family string) (string, error) {
	n, err := strconv.Atoi(family)
	if err != nil {
		return "", err
	}
	kind := unix.SOCK_STREAM
	if n == unix.AF_ALG {
		kind = unix.SOCK_SEQPACKET
	}
	fd, err := unix.Socket(n, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "tried: " + err.Error(), nil
	}
	return "opened a socket", unix.Close(fd)
}
