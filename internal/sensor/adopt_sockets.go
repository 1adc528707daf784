package sensor

import (
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// iterators report the sockets of running containers: first the listening ones, by which
// the second iterator distinguishes incoming connections from outgoing ones.
var iterators = []string{bpfProgHandleListeners, bpfProgHandleConnections}

// AdoptSockets reports the sockets that watched containers hold open, as if they
// had just connected or begun to listen.
func (s *Sensor) AdoptSockets() error {
	for _, name := range iterators {
		if err := runIterator(s.collection.Programs[name]); err != nil {
			return fmt.Errorf("look through sockets: %s: %w", name, err)
		}
	}
	return nil
}

func runIterator(program *ebpf.Program) error {
	iter, err := link.AttachIter(link.IterOptions{Program: program})
	if err != nil {
		return err
	}
	defer iter.Close()
	reader, err := iter.Open()
	if err != nil {
		return err
	}
	defer reader.Close()
	_, err = io.Copy(io.Discard, reader)
	return err
}
