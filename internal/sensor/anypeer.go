package sensor

import (
	"fmt"
	"sync/atomic"

	"bobwatch/internal/event"
)

// Mirrors of bpf/socket.h.
const (
	anyPeer   = 0xff
	knownTold = 0
)

// mix is the one of bpf/known.h.
func mix(hash, value uint64) uint64 {
	hash = (hash ^ value) * 0x9E3779B97F4A7C15
	return hash ^ hash>>31
}

// AllowAnyPeer makes connections of a container known that differ from c only in their
// peer. It lasts until the next Learn or Guard, or until the kernel drops the entry
// because it was not used for long; then the kernel sends single peers again.
func (s *Sensor) AllowAnyPeer(cgroup uint64, c event.Connection) error {
	container, err := s.container(cgroup)
	if err != nil {
		return err
	}
	hash := mix(mix(s.seed, 0), 0)
	hash = mix(hash, uint64(c.Direction)<<48|uint64(c.Type)<<32|uint64(c.Protocol)<<16|uint64(c.Port))
	generation := uint64(atomic.LoadUint32(&container.Generation))
	key := bpfKnownKey{Cgroup: cgroup, Hash: mix(hash, generation<<16|uint64(event.KindConnection)<<8|anyPeer)}
	if err := s.collection.Maps[bpfMapKnown].Put(key, uint32(knownTold)); err != nil {
		return fmt.Errorf("allow any peer: %w", err)
	}
	return nil
}
