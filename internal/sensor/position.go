package sensor

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Position is a place in the ring buffer, in bytes that were ever sent.
type Position uint64

// rewind maps the page that holds the reader's position. With keep it goes back to the
// records that an earlier agent read and did not release.
func (s *Sensor) rewind(keep bool) ([]byte, error) {
	events := s.collection.Maps[bpfMapEvents]
	page := os.Getpagesize()
	consumer, err := unix.Mmap(events.FD(), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map position of ring buffer: %w", err)
	}
	producer, err := unix.Mmap(events.FD(), int64(page), page, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return consumer, fmt.Errorf("map position of ring buffer: %w", err)
	}
	read, sent := positionAt(consumer), positionAt(producer)
	released := &s.state.Released
	if s.state.Keeps != 0 && keep && *released <= *read && atomic.LoadUint64(sent)-*released <= uint64(events.MaxEntries()) {
		atomic.StoreUint64(read, *released)
	}
	atomic.StoreUint64(released, *read)
	var keeps uint64
	if keep {
		keeps = 1
	}
	atomic.StoreUint64(&s.state.Keeps, keeps)
	if err := unix.Munmap(producer); err != nil {
		return consumer, fmt.Errorf("unmap position of ring buffer: %w", err)
	}
	return consumer, nil
}

func positionAt(page []byte) *uint64 { return (*uint64)(unsafe.Pointer(unsafe.SliceData(page))) }

// Position returns the position after the last record read.
func (s *Sensor) Position() Position { return Position(atomic.LoadUint64(positionAt(s.consumer))) }

// Began returns the place of the record that was read last, at which it is read again.
func (s *Sensor) Began() Position { return s.began }

// Release lets the kernel overwrite the records before p, with [Options.Keep].
func (s *Sensor) Release(p Position) { atomic.StoreUint64(&s.state.Released, uint64(p)) }

// Unreleased returns how many bytes were read and not released, and how many the
// ring buffer has.
func (s *Sensor) Unreleased() (bytes, size uint64) {
	return uint64(s.Position()) - atomic.LoadUint64(&s.state.Released), uint64(s.reader.BufferSize())
}
