// Package sensor loads bobwatch's programs into the kernel, reads their records, and
// writes the sets of known acts. It is the only importer of cilium/ebpf.
//
// The invariant that it keeps with bpf/: an act enters a container's known set only
// after its record was sent. To change a known set from here, use [Sensor.Learn] or
// [Sensor.Guard]; the kernel sends again the acts that the new set lacks.
package sensor

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/redact"
)

// ErrWoken is returned by Read after Wake, when all records that were pending
// have been read.
var ErrWoken = errors.New("sensor: woken")

// maxWait bounds how long a record stays unread that the kernel sent without waking the
// reader: every record that is no deviation (wakeup_of in bpf/record.h).
const maxWait = 100 * time.Millisecond

// Options configure a Sensor. The zero value is a sensor that pins nothing.
type Options struct {
	// PinPath is a directory on a bpffs. Maps and links are pinned below it, so
	// that the kernel goes on watching while no agent runs and the next one
	// continues where this one stopped. Empty pins nothing.
	PinPath string
	// Cooldown is how long a repeated deviation is only counted. 0 means a minute.
	Cooldown time.Duration
	// RingBytes is the size of the ring buffer, a power of two. 0 means 2 MiB.
	RingBytes uint32
	// Redact replaces credentials in the arguments of programs. nil knows the
	// built-in ones.
	Redact *redact.Redactor
	// Keep makes the ring buffer keep records after reading until Release. Records
	// that an earlier agent read and did not release are read again. Without Keep,
	// reading releases.
	Keep bool
}

// Sensor is attached from Open to Close. Wake, Stats and SelfTest may be called
// from any goroutine, everything else from one at a time.
type Sensor struct {
	collection *ebpf.Collection
	links      []attachment
	reader     *ringbuf.Reader
	consumer   []byte // the page of the ring buffer that holds the reader's position
	record     ringbuf.Record
	decoder    decoder
	memory     []byte   // the mapping behind state
	table               // embedded for the methods about containers
	began      Position // of the record that was read last
	malformed  atomic.Uint64
	sensitive  map[uint64][]string // by cgroup, see MarkSensitive
	seed       uint64              // of the hashes by which acts are known
	token      uintptr             // identifies the agent's calls of SelfTest
}

// Open checks the kernel, loads the programs and attaches them. From then on
// every new cgroup is watched.
func Open(opts Options) (*Sensor, error) {
	if err := checkKernel(); err != nil {
		return nil, err
	}
	s := &Sensor{decoder: decoder{redact: opts.Redact}}
	if err := s.open(opts); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Sensor) open(opts Options) error {
	pins, err := openPins(opts.PinPath)
	if err != nil {
		return err
	}
	defer pins.close()
	token := random()
	s.seed = random()
	s.token = uintptr(token)
	if s.collection, err = load(opts, token, s.seed, pins); err != nil {
		return err
	}
	if s.memory, s.state, err = mapState(s.collection.Maps[bssMap]); err != nil {
		return err
	}
	s.known, s.natives = s.collection.Maps[bpfMapKnown], s.collection.Maps[bpfMapNatives]
	if s.consumer, err = s.rewind(opts.Keep); err != nil {
		return err
	}
	if s.reader, err = ringbuf.NewReader(s.collection.Maps[bpfMapEvents]); err != nil {
		return fmt.Errorf("read ring buffer: %w", err)
	}
	s.reader.SetDeadline(time.Now().Add(maxWait))
	if s.links, err = attach(s.collection.Programs); err != nil {
		return err
	}
	return pins.save(s.collection.Maps, s.links)
}

// Read blocks until there is an event and decodes it into ev. It returns
// ErrWoken after Wake and an error that wraps os.ErrClosed after Close.
func (s *Sensor) Read(ev *event.Event) error {
	for {
		s.began = s.Position()
		err := s.reader.ReadInto(&s.record)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.reader.SetDeadline(time.Now().Add(maxWait))
			continue
		case errors.Is(err, ringbuf.ErrFlushed):
			return ErrWoken
		case errors.Is(err, ringbuf.ErrClosed):
			return fmt.Errorf("read ring buffer: %w", os.ErrClosed)
		case err != nil:
			return fmt.Errorf("read ring buffer: %w", err)
		}
		if s.decoder.decode(s.record.RawSample, ev) {
			if ev.Has(event.FlagSensitive) {
				s.nameObject(ev)
			}
			return nil
		}
		s.malformed.Add(1)
	}
}

// Wake makes a blocked Read return ErrWoken once the pending records are read.
func (s *Sensor) Wake() error {
	if err := s.reader.Flush(); err != nil {
		return fmt.Errorf("wake reader: %w", err)
	}
	return nil
}

// Close detaches the programs unless they are pinned.
func (s *Sensor) Close() error {
	var errs []error
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	for _, a := range s.links {
		errs = append(errs, a.link.Close())
	}
	for _, memory := range [][]byte{s.memory, s.consumer} {
		if memory != nil {
			errs = append(errs, unix.Munmap(memory))
		}
	}
	if s.collection != nil {
		s.collection.Close()
	}
	return errors.Join(errs...)
}

// Hooks returns the names of the attached hooks.
func (s *Sensor) Hooks() []string {
	hooks := make([]string, len(s.links))
	for i, a := range s.links {
		hooks[i] = a.hook
	}
	return hooks
}

// Forget stops watching a cgroup and those nested in it.
func (s *Sensor) Forget(cgroup uint64) {
	delete(s.sensitive, cgroup)
	s.forget(cgroup)
}
