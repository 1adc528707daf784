package sensor

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
)

// ownNetwork gives the child a network namespace, whose loopback device it has
// to bring up by loopbackUp.
func ownNetwork(cmd *exec.Cmd) {
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

// networkActs are acts of a child in a network of its own, by name. Ports are
// fixed, because nobody else uses them there.
var networkActs = map[string]func(args []string) error{
	"tcp":         func([]string) error { return tcpPair("127.0.0.1", "127.0.0.1:7001") },
	"tcp6":        func([]string) error { return tcpPair("::1", "[::1]:7001") },
	"tcp mapped":  func([]string) error { return tcpPair("::ffff:127.0.0.1", "127.0.0.1:7001") },
	"tcp refused": func([]string) error { dialQuietly("127.0.0.1:7009"); return nil },
	"udp":         func([]string) error { return udpPair("127.0.0.1:7002") },
	"udp6":        func([]string) error { return udpPair("[::1]:7002") },
	"udp peers":   func([]string) error { return udpPeers(50) },
	"ping":        func([]string) error { return sendRaw(unix.SOCK_RAW, unix.IPPROTO_ICMP) },
	"packet":      func([]string) error { return sendPacket() },
	"unix":        func(args []string) error { return unixPair(args[0]) },
	"sockets":     func([]string) error { return sockets() },
}

func performNetwork(act string, args []string) int {
	f, ok := networkActs[act]
	if !ok {
		return 0
	}
	if err := loopbackUp(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := f(args); err != nil {
		fmt.Fprintln(os.Stderr, act, err)
		return 1
	}
	return 0
}

// tcpPair listens, connects twice and accepts.
func tcpPair(listen, dial string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(listen, "7001"))
	if err != nil {
		return err
	}
	defer l.Close()
	for range 2 {
		c, err := net.Dial("tcp", dial)
		if err != nil {
			return err
		}
		s, err := l.Accept()
		if err != nil {
			return err
		}
		c.Close()
		s.Close()
	}
	return nil
}

func dialQuietly(address string) {
	if c, err := net.Dial("tcp", address); err == nil {
		c.Close()
	}
}

// udpPair sends a datagram to a server, which answers it.
func udpPair(address string) error {
	server, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	defer server.Close()
	client, err := net.Dial("udp", address)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := client.Write([]byte("question")); err != nil {
		return err
	}
	var buffer [64]byte
	_, from, err := server.ReadFrom(buffer[:])
	if err != nil {
		return err
	}
	_, err = server.WriteTo([]byte("answer"), from)
	return err
}

// udpPeers sends to n addresses without connecting.
func udpPeers(n int) error {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range n {
		to := &net.UDPAddr{IP: net.IPv4(127, 0, 1, byte(i)), Port: 7003}
		if _, err := c.WriteTo([]byte("x"), to); err != nil {
			return err
		}
	}
	return nil
}

func sendRaw(kind, protocol int) error {
	fd, err := unix.Socket(unix.AF_INET, kind, protocol)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	echo := []byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0}
	return unix.Sendto(fd, echo, 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 2}})
}

// sendPacket sends a frame that the program made itself.
func sendPacket() error {
	const ethIP = 0x0800
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, int(ethIP>>8|ethIP&0xff<<8))
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	header := []byte{0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 9}
	return unix.Sendto(fd, header, 0, &unix.SockaddrLinklayer{Protocol: ethIP >> 8, Ifindex: lo.Index, Halen: 6})
}

// unixPair connects to a socket at a path and to one with an abstract name.
func unixPair(path string) error {
	for _, name := range []string{path, "@abstract name"} {
		l, err := net.Listen("unix", name)
		if err != nil {
			return err
		}
		defer l.Close()
		c, err := net.Dial("unix", name)
		if err != nil {
			return err
		}
		c.Close()
	}
	return nil
}

func sockets() error {
	for _, s := range [][3]int{
		{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE},
		{unix.AF_PACKET, unix.SOCK_RAW, 0},
		{unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_TCP},
	} {
		fd, err := unix.Socket(s[0], s[1], s[2])
		if err != nil {
			return err
		}
		unix.Close(fd)
	}
	if err := unix.Setuid(65534); err != nil {
		return err
	}
	_, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != unix.EPERM {
		return fmt.Errorf("packet socket without rights: %w", err)
	}
	return nil
}

// contact is a connection in words.
func contactWords(ev *event.Event) string {
	c := &ev.Connection
	who := string(ev.Path)
	if !c.IsUnix() {
		who = netip.AddrPortFrom(c.Peer, c.Port).String()
	}
	text := fmt.Sprintf("%s %s %s", c.Direction, c.Protocol, who)
	if ev.Has(event.FlagRefused) {
		text += " refused"
	}
	return text
}

func contacts(events []*event.Event) []string {
	var words []string
	for _, ev := range events {
		if ev.Kind == event.KindConnection {
			words = append(words, contactWords(ev))
		}
	}
	slices.Sort(words)
	return words
}

func TestConnections(t *testing.T) {
	s := sharedSensor(t)
	socket := filepath.Join(t.TempDir(), "socket")
	tests := map[string]struct {
		args []string
		want []string
	}{
		"tcp":         {nil, []string{"egress TCP 127.0.0.1:7001", "ingress TCP 127.0.0.1:7001", "listen TCP 127.0.0.1:7001"}},
		"tcp6":        {nil, []string{"egress TCP [::1]:7001", "ingress TCP [::1]:7001", "listen TCP [::1]:7001"}},
		"tcp mapped":  {nil, []string{"egress TCP 127.0.0.1:7001", "ingress TCP 127.0.0.1:7001", "listen TCP 127.0.0.1:7001"}},
		"tcp refused": {nil, []string{"egress TCP 127.0.0.1:7009", "egress TCP 127.0.0.1:7009 refused"}},
		"udp":         {nil, []string{"egress UDP 127.0.0.1:7002", "ingress UDP 127.0.0.1:7002", "listen UDP 127.0.0.1:7002"}},
		"udp6":        {nil, []string{"egress UDP [::1]:7002", "ingress UDP [::1]:7002", "listen UDP [::1]:7002"}},
		"ping":        {nil, []string{"egress ICMP 127.0.0.2:0"}},
		"packet":      {nil, []string{"egress 0 127.0.0.9:0"}},
		"unix": {[]string{socket}, []string{
			"egress 0 " + socket, "egress 0 @abstract name", "listen 0 " + socket, "listen 0 @abstract name",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := learnPlain(t, s)
			pid := c.act(t, name, tt.args, ownNetwork)
			events := drain(t, s, c.id)
			if diff := cmp.Diff(tt.want, contacts(events)); diff != "" {
				t.Errorf("contacts: (-want +got)\n%s", diff)
			}
			for _, ev := range events {
				// What came in, or was refused, is nobody's in particular.
				unknown := ev.Connection.Direction == event.Ingress && ev.Connection.Protocol == event.TCP ||
					ev.Has(event.FlagRefused)
				if want := map[bool]int{true: 0, false: pid}[unknown]; ev.Kind == event.KindConnection && int(ev.Process.PID) != want {
					t.Errorf("%s: process %d, want %d", contactWords(ev), ev.Process.PID, want)
				}
			}
			os.Remove(socket)
			c.act(t, name, tt.args, ownNetwork)
			if again := contacts(drain(t, s, c.id)); again != nil {
				t.Errorf("known contacts are reported again: %q", again)
			}
		})
	}
}

func TestPeersAreToldOneByOne(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	c.act(t, "udp peers", nil, ownNetwork)
	if got := len(contacts(drain(t, s, c.id))); got != 50 {
		t.Errorf("%d peers reported, want 50", got)
	}
}

func TestSocketFamilies(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	c.act(t, "sockets", nil, ownNetwork)
	var got []string
	for _, ev := range drain(t, s, c.id) {
		if ev.Kind != event.KindSocket {
			continue
		}
		k := &ev.Connection
		got = append(got, fmt.Sprintf("%d %d %d %s", k.Family, k.Type, k.Protocol, strconv.Itoa(int(ev.Errno))))
	}
	want := []string{"2 2 0 0", "16 3 0 0", "17 3 0 0", "2 3 6 0", "17 3 0 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sockets: (-want +got)\n%s", diff)
	}
}

func TestAnyPeerIsKnown(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	any := event.Connection{Direction: event.Egress, Port: 7003, Protocol: event.UDP, Type: unix.SOCK_DGRAM}
	if err := s.AllowAnyPeer(c.id, any); err != nil {
		t.Fatal(err)
	}
	c.act(t, "udp peers", nil, ownNetwork)
	c.act(t, "udp", nil, ownNetwork) // another port is still news
	want := []string{"egress UDP 127.0.0.1:7002", "ingress UDP 127.0.0.1:7002", "listen UDP 127.0.0.1:7002"}
	if diff := cmp.Diff(want, contacts(drain(t, s, c.id))); diff != "" {
		t.Errorf("contacts: (-want +got)\n%s", diff)
	}
}

// TestGuardedConnectionIsCounted holds a connection that user space found to
// deviate: it is reported once, and counted until the cooldown ends.
func TestGuardedConnectionIsCounted(t *testing.T) {
	s := sharedSensor(t)
	c := learnPlain(t, s)
	if err := s.Guard(c.id, Known{}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		c.act(t, "ping", nil, ownNetwork)
		events := slices.DeleteFunc(drain(t, s, c.id), func(ev *event.Event) bool { return ev.Kind != event.KindConnection })
		if want := map[int]int{0: 1, 1: 1, 2: 0}[i]; len(events) != want {
			t.Fatalf("round %d: %d reports, want %d", i, len(events), want)
		}
		for _, ev := range events {
			if err := s.MarkDeviation(c.id, ev.KnownKey); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSocketsAreAdopted looks at sockets that were open before the sensor was.
func TestSocketsAreAdopted(t *testing.T) {
	c := newCgroup(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd, err := unix.Open(c.dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	cmd := exec.Command("/proc/self/exe", l.Addr().String())
	cmd.Env = []string{actVariable + "=hold sockets"}
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stdin.Close()
	var own string
	if _, err := fmt.Fscanln(stdout, &own); err != nil {
		t.Fatal(err)
	}
	visitor, err := net.Dial("tcp", own)
	if err != nil {
		t.Fatal(err)
	}
	defer visitor.Close()
	if _, err := fmt.Fscanln(stdout, new(string)); err != nil {
		t.Fatal(err)
	}

	s := testSensor(t, Options{})
	if err := s.Adopt(Adoption{Cgroup: c.id, PIDs: []int{cmd.Process.Pid}, Runtime: os.Getpid(), Plain: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.Learn(c.id, Known{}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time all of it is known
		if err := s.AdoptSockets(); err != nil {
			t.Fatal(err)
		}
	}
	port := netip.MustParseAddrPort(own).Port()
	want := []string{
		"egress TCP " + l.Addr().String(),
		fmt.Sprintf("ingress TCP 127.0.0.1:%d", port),
		fmt.Sprintf("listen TCP 127.0.0.1:%d", port),
	}
	if diff := cmp.Diff(want, contacts(drain(t, s, c.id))); diff != "" {
		t.Errorf("contacts: (-want +got)\n%s", diff)
	}
}

// holdSockets connects, listens, accepts one peer, and keeps all of it until its
// standard input ends.
func holdSockets(address string) int {
	out, err := net.Dial("tcp", address)
	if err != nil {
		return 1
	}
	defer out.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	fmt.Println(l.Addr())
	in, err := l.Accept()
	if err != nil {
		return 1
	}
	defer in.Close()
	fmt.Println("accepted")
	os.Stdin.Read(make([]byte, 1))
	return 0
}
