package sensor

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
)

func TestDecodeAddress(t *testing.T) {
	tests := map[string]struct {
		name string
		ip   string
		path string
	}{
		"IPv4":            {name: "\x02\x00\x01\xbb\x7f\x00\x00\x01", ip: "127.0.0.1:443"},
		"IPv6":            {name: "\x0a\x00\x00\x35\x00\x00\x00\x00" + strings.Repeat("\x00", 15) + "\x01", ip: "[::1]:53"},
		"IPv4 in IPv6":    {name: "\x0a\x00\x00\x50\x00\x00\x00\x00" + strings.Repeat("\x00", 10) + "\xff\xff\x0a\x00\x00\x01", ip: "10.0.0.1:80"},
		"Unix":            {name: "\x01\x00/run/socket\x00garbage", path: "/run/socket"},
		"Unix, abstract":  {name: "\x01\x00\x00name", path: "@name"},
		"Unix, long":      {name: "\x01\x00" + strings.Repeat("a", 110), path: strings.Repeat("a", 110)},
		"Unix, unnamed":   {name: "\x01\x00", path: "@"},
		"no family":       {},
		"another family":  {name: "\x10\x00\x00\x00\x07"},
		"cut short, IPv4": {name: "\x02\x00\x01\xbb", ip: "0.0.0.0:443"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			raw := make([]byte, unsafe.Sizeof(countAddress{}.Name))
			copy(raw, tt.name)
			got := decodeAddress(raw)
			var want netip.AddrPort
			if tt.ip != "" {
				want = netip.MustParseAddrPort(tt.ip)
			}
			if got.IP != want || got.Path != tt.path {
				t.Errorf("decodeAddress = %v, %q; want %v, %q", got.IP, got.Path, want, tt.path)
			}
		})
	}
}

func FuzzDecodeAddress(f *testing.F) {
	f.Add([]byte("\x02\x00\x01\xbb\x7f\x00\x00\x01"))
	f.Add([]byte("\x01\x00/run/socket\x00"))
	f.Fuzz(func(t *testing.T, name []byte) {
		var raw countAddress
		copy(raw.Name[:], name)
		if a := decodeAddress(raw.Name[:]); a.Path != "" && a.IP.IsValid() {
			t.Errorf("%q is an address of two families", name)
		}
	})
}

func TestABIOfCall(t *testing.T) {
	tests := map[string]struct {
		call countCall
		want event.ABI
	}{
		"native":      {countCall{Nr: 1}, event.ABINative},
		"32-bit":      {countCall{Nr: 1, Compat: 1}, event.ABICompat},
		"x32":         {countCall{Nr: 1 | 1<<30}, event.ABIX32},
		"beyond":      {countCall{Nr: 4000}, event.ABIUnknown},
		"32-bit, far": {countCall{Nr: 4000, Compat: 1}, event.ABIUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := abiOf(tt.call); got != tt.want {
				t.Errorf("abiOf = %d, want %d", got, tt.want)
			}
		})
	}
}

// The counter counts exactly, errors too, and only the workload's own.
func TestCounter(t *testing.T) {
	s := testSensor(t, Options{})
	counter, err := s.CountCalls()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := counter.Close(); err != nil {
			t.Error(err)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port

	c := learnContainer(t, s)
	c.act(t, "connect", []string{listener.Addr().String()}, ownMounts)
	calls, err := counter.Calls(c.id)
	if err != nil {
		t.Fatal(err)
	}
	want := map[uint32]Tally{
		unix.SYS_GETPPID: {Count: 3},
		unix.SYS_CONNECT: {Count: 2, Errors: 1},
		unix.SYS_SENDTO:  {Count: 1},
	}
	for _, call := range calls {
		if w, ok := want[call.Nr]; ok {
			if call.Count != w.Count || call.Errors != w.Errors || call.First == 0 || call.Last < call.First || call.ABI != event.ABINative {
				t.Errorf("call %d: %+v, want %d with %d errors", call.Nr, call, w.Count, w.Errors)
			}
			delete(want, call.Nr)
		}
	}
	if len(want) > 0 {
		t.Errorf("not counted: %v", want)
	}
	addresses, err := counter.Addresses(c.id)
	if err != nil {
		t.Fatal(err)
	}
	type seen struct {
		use    AddressUse
		typ    int
		ip     string
		errors uint64
	}
	wantSeen := map[seen]bool{
		{Connected, unix.SOCK_STREAM, listener.Addr().String(), 0}:                                    true,
		{Connected, unix.SOCK_STREAM, "127.0.0.1:1", 1}:                                               true,
		{SentTo, unix.SOCK_DGRAM, netip.AddrPortFrom(netip.IPv6Loopback(), uint16(port)).String(), 0}: true,
	}
	for _, a := range addresses {
		key := seen{a.Use, a.SocketType, a.IP.String(), a.Errors}
		if !wantSeen[key] || a.Comm == "" {
			t.Errorf("unexpected %+v", a)
		}
		delete(wantSeen, key)
	}
	if len(wantSeen) > 0 {
		t.Errorf("not seen: %v", wantSeen)
	}
	if n, err := counter.Uncounted(); n != 0 || err != nil {
		t.Errorf("Uncounted() = %d, %v; want none", n, err)
	}
}
