package sensor

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
)

// Tally says how often something was done, and when.
type Tally struct {
	Count       uint64
	Errors      uint64 // of Count
	First, Last uint64 // ns since boot
}

// CallTally counts one system call of one container.
type CallTally struct {
	Nr  uint32
	ABI event.ABI
	Tally
}

// AddressUse is the way in which a container used an address.
type AddressUse uint8

// The uses of an address.
const (
	Connected AddressUse = iota
	Bound
	SentTo // without connecting
)

// AddressTally counts one use of one address by one container.
type AddressTally struct {
	Use        AddressUse
	SocketType int            // SOCK_STREAM, SOCK_DGRAM, ...; 0 if it was no socket
	IP         netip.AddrPort // invalid unless the family is IPv4 or IPv6
	Path       string         // of a Unix socket, "@" in place of the NUL of an abstract one; hostile bytes
	Family     int
	Comm       string // of the process that did it first; hostile bytes
	Tally
}

// Counter counts the calls and addresses of the containers of a Sensor, from CountCalls
// to Close. One goroutine at a time may use it. Close it before the Sensor.
type Counter struct {
	collection *ebpf.Collection
	links      []link.Link
}

// sharedMaps lists the maps of the sensor that count.bpf.c works on.
var sharedMaps = []string{bssMap, bpfMapNatives}

// CountCalls attaches the programs of bpf/count.bpf.c, which see every system call of the
// machine. Close the Counter as soon as possible.
func (s *Sensor) CountCalls() (*Counter, error) {
	spec, err := loadCount()
	if err != nil {
		return nil, fmt.Errorf("load counter: %w", err)
	}
	spec.Maps[bssMap].Flags |= unix.BPF_F_MMAPABLE // as in configure
	delete(spec.Variables, countVarState)
	replacements := make(map[string]*ebpf.Map)
	for _, name := range sharedMaps {
		replacements[name] = s.collection.Maps[name]
	}
	used := append(slices.Clone(sharedMaps), countMapCalls, countMapAddresses, ".data.count")
	for name := range spec.Maps {
		if !slices.Contains(used, name) {
			delete(spec.Maps, name) // declared for the sensor's programs alone
		}
	}
	for name, variable := range spec.Variables {
		if variable.SectionName != ".data.count" {
			delete(spec.Variables, name)
		}
	}
	c := &Counter{}
	if c.collection, err = ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: replacements}); err != nil {
		//nolint:errorlint // %+v is what prints all that the verifier said
		return nil, fmt.Errorf("load counter: %+v", err)
	}
	for name, program := range c.collection.Programs {
		l, err := link.AttachTracing(link.TracingOptions{Program: program})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("attach %s: %w", name, err), c.Close())
		}
		c.links = append(c.links, l)
	}
	return c, nil
}

// Calls returns the counted system calls of a container.
func (c *Counter) Calls(cgroup uint64) ([]CallTally, error) {
	var all []CallTally
	var key countCall
	var value countTally
	entries := c.collection.Maps[countMapCalls].Iterate()
	for entries.Next(&key, &value) {
		if key.Cgroup == cgroup {
			all = append(all, CallTally{Nr: key.Nr, ABI: abiOf(key), Tally: tallyOf(value)})
		}
	}
	if err := entries.Err(); err != nil {
		return all, fmt.Errorf("read counts of system calls: %w", err)
	}
	return all, nil
}

// Addresses returns the counted addresses of a container. If there are thousands, the
// kernel forgets the least recently used ones.
func (c *Counter) Addresses(cgroup uint64) ([]AddressTally, error) {
	all := make(map[countAddress]AddressTally) // entries may come twice if the kernel forgets some meanwhile
	var key countAddress
	var value countAddressTally
	entries := c.collection.Maps[countMapAddresses].Iterate()
	for entries.Next(&key, &value) {
		if key.Cgroup != cgroup {
			continue
		}
		address := decodeAddress(key.Name[:])
		address.Use, address.SocketType, address.Tally = AddressUse(key.Use), int(key.Type), tallyOf(value.Tally)
		address.Comm = unix.ByteSliceToString(value.Comm[:])
		all[key] = address
	}
	if err := entries.Err(); err != nil {
		return nil, fmt.Errorf("read counts of addresses: %w", err)
	}
	return slices.Collect(maps.Values(all)), nil
}

// Uncounted returns how many system calls found no room in the counter.
func (c *Counter) Uncounted() (uint64, error) {
	var n uint64
	if err := c.collection.Variables[countVarUncounted].Get(&n); err != nil {
		return 0, fmt.Errorf("read counts of system calls: %w", err)
	}
	return n, nil
}

// Close detaches the programs.
func (c *Counter) Close() error {
	var errs []error
	for _, l := range c.links {
		errs = append(errs, l.Close())
	}
	c.collection.Close()
	return errors.Join(errs...)
}

func tallyOf(t countTally) Tally {
	return Tally{Count: t.Count, Errors: t.Errors, First: t.FirstNs, Last: t.LastNs}
}

// abiOf returns the ABI as bpf/syscall.h does.
func abiOf(call countCall) event.ABI {
	const x32, maxNr = 1 << 30, 512
	switch {
	case call.Nr < maxNr && call.Compat != 0:
		return event.ABICompat
	case call.Nr < maxNr:
		return event.ABINative
	case call.Compat == 0 && call.Nr&x32 != 0:
		return event.ABIX32
	}
	return event.ABIUnknown
}

// decodeAddress reads a struct sockaddr. Bytes that it does not need may be missing. The
// observed program chose the bytes, so they may hold anything.
func decodeAddress(name []byte) AddressTally {
	a := AddressTally{Family: int(name[0]) | int(name[1])<<8}
	port := uint16(name[2])<<8 | uint16(name[3])
	switch a.Family {
	case unix.AF_INET:
		a.IP = netip.AddrPortFrom(netip.AddrFrom4([4]byte(name[4:8])), port)
	case unix.AF_INET6:
		a.IP = netip.AddrPortFrom(netip.AddrFrom16([16]byte(name[8:24])).Unmap(), port)
	case unix.AF_UNIX:
		path := name[2:]
		if path[0] == 0 {
			a.Path = "@" + string(bytes.TrimRight(path[1:], "\x00"))
		} else {
			a.Path = unix.ByteSliceToString(path)
		}
	}
	return a
}
