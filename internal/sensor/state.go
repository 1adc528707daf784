package sensor

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"bobwatch/internal/event"
	"bobwatch/internal/syscalls"
)

// Mirrors of bpf/maps.h.
const (
	bucketBits = 9
	ways       = 8
	claimed    = ^uint64(0)

	stateLearning = 1
	stateGuarded  = 2

	knownDeviates = 1
	knownAllowed  = 2

	shareExecs   = 2
	shareRuntime = 3
)

// ErrNotWatched is returned for a cgroup that the kernel does not watch.
var ErrNotWatched = errors.New("cgroup is not watched")

// Known holds the acts of a container that the kernel need not send.
type Known struct {
	Native syscalls.Set
	Compat syscalls.Set // 32-bit calls
}

// Adoption describes a container that ran before the sensor was attached.
type Adoption struct {
	Cgroup uint64
	Nested []uint64 // cgroups below the container's own
	PIDs   []int    // every process in these cgroups
	// Runtime is a process that sees the runtime's root directory and mount
	// namespace: containerd itself, or pid 1.
	Runtime int
	// Plain is set for a cgroup that is no container: all of it is the workload.
	Plain bool
}

// mapState maps the variable `state` into this process.
func mapState(bss *ebpf.Map) ([]byte, *bpfSharedState, error) {
	memory, err := unix.Mmap(bss.FD(), 0, int(bss.ValueSize()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("map shared state: %w", err)
	}
	return memory, (*bpfSharedState)(unsafe.Pointer(unsafe.SliceData(memory))), nil
}

// table is the table of containers in the memory that is shared with the programs,
// with the maps that belong to it.
type table struct {
	state          *bpfSharedState
	known, natives *ebpf.Map
}

// bucketOf spreads ids, which come in strides; see bpf/maps.h.
func bucketOf(cgroup uint64) uint64 {
	return cgroup * 0xAB7F154E7CEB7F19 >> (64 - bucketBits)
}

// find returns the slot that holds a cgroup's id, or -1.
func (t *table) find(cgroup uint64) int {
	bucket := bucketOf(cgroup)
	for way := range uint64(ways) {
		if atomic.LoadUint64(&t.state.Ids[bucket][way]) == cgroup {
			return int(bucket*ways + way)
		}
	}
	return -1
}

func (t *table) container(cgroup uint64) (*bpfContainer, error) {
	slot := t.find(cgroup)
	if slot < 0 {
		return nil, fmt.Errorf("cgroup %d: %w", cgroup, ErrNotWatched)
	}
	return t.at(slot), nil
}

func (t *table) at(slot int) *bpfContainer {
	return (*bpfContainer)(unsafe.Pointer(&t.state.Containers[slot]))
}

// Learn makes the kernel send every act that is not in known, and add it.
func (t *table) Learn(cgroup uint64, known Known) error {
	return t.setState(cgroup, known, stateLearning)
}

// Guard makes the kernel send every act that is not in allowed, and count repeats. It
// sends opens that were known before once more, so that they are judged.
func (t *table) Guard(cgroup uint64, allowed Known) error {
	return t.setState(cgroup, allowed, stateGuarded)
}

func (t *table) setState(cgroup uint64, known Known, state uint32) error {
	c, err := t.container(cgroup)
	if err != nil {
		return err
	}
	// The state first: a guarded set is not added to by the programs.
	atomic.StoreUint32(&c.State, state)
	for i := range c.Known {
		atomic.StoreUint64(&c.Known[i], known.Native[i])
		atomic.StoreUint64(&c.KnownCompat[i], known.Compat[i])
	}
	atomic.AddUint32(&c.Generation, 1)
	return nil
}

// SetPlain marks a cgroup as no container: programs executed in it on the host's root
// are the workload.
func (t *table) SetPlain(cgroup uint64) error {
	c, err := t.container(cgroup)
	if err != nil {
		return err
	}
	atomic.StoreUint32(&c.Plain, 1)
	return nil
}

// Held counts records of one container that the kernel did not send, because
// the container's budget was spent or the ring buffer had no room left for it.
type Held struct {
	// News is system calls, opens and other acts that are sent when they are
	// done again.
	News uint64
	// Execs counts executions, and processes that left the container. Each is lost:
	// an execution does not happen again.
	Execs uint64
	// Runtime is acts of the container runtime.
	Runtime uint64
}

// Total returns how many records were held back together.
func (h Held) Total() uint64 { return h.News + h.Execs + h.Runtime }

// TakeHeld returns the counts of held back records of a container since the last call.
func (t *table) TakeHeld(cgroup uint64) Held {
	c, err := t.container(cgroup)
	if err != nil {
		return Held{}
	}
	var held Held
	for kind := range c.Shares {
		n := atomic.LoadUint64(&c.Shares[kind].Held)
		if n == 0 {
			continue
		}
		n = atomic.SwapUint64(&c.Shares[kind].Held, 0)
		switch kind {
		case shareExecs:
			held.Execs += n
		case shareRuntime:
			held.Runtime += n
		default:
			held.News += n
		}
	}
	return held
}

// LostCgroups returns how many cgroups appeared or went away unreported since
// the maps were created, because the ring buffer was full or the table had no
// room. When it grows, [Sensor.Watched] and the hierarchy say which these are.
func (t *table) LostCgroups() uint64 {
	c := &t.state.Counters
	return atomic.LoadUint64(&c.CgroupsUntracked) +
		atomic.LoadUint64(&c.RingFull[event.KindCgroupCreated]) +
		atomic.LoadUint64(&c.RingFull[event.KindCgroupRemoved])
}

// MarkAllowed has the kernel send executions that are like one it reported
// without waking the reader, until the profile changes.
func (t *table) MarkAllowed(cgroup, knownKey uint64) error {
	key := bpfKnownKey{Cgroup: cgroup, Hash: knownKey}
	if err := t.known.Put(key, uint32(knownAllowed)); err != nil {
		return fmt.Errorf("mark execution: %w", err)
	}
	return nil
}

// MarkDeviation has the kernel go on counting an act that it reported, and
// report it again after the cooldown or when another program does it.
func (t *table) MarkDeviation(cgroup, knownKey uint64) error {
	key := bpfKnownKey{Cgroup: cgroup, Hash: knownKey}
	if err := t.known.Put(key, uint32(knownDeviates)); err != nil {
		return fmt.Errorf("mark deviation: %w", err)
	}
	return nil
}

// forget stops watching a cgroup and those nested in it.
func (t *table) forget(cgroup uint64) {
	slot := t.find(cgroup)
	if slot < 0 {
		return
	}
	for i, owner := range t.state.Owner {
		if int(owner) == slot && i != slot {
			atomic.StoreUint64(&t.state.Ids[i/ways][i%ways], 0)
		}
	}
	atomic.StoreUint64(&t.state.Ids[slot/ways][slot%ways], 0)
}

// Watched returns the ids of all cgroups that are watched as containers of
// their own, also those that an earlier agent left behind.
func (t *table) Watched() []uint64 {
	var ids []uint64
	for slot := range t.state.Containers {
		id := atomic.LoadUint64(&t.state.Ids[slot/ways][slot%ways])
		if id != 0 && id != claimed && int(t.state.Owner[slot]) == slot {
			ids = append(ids, id)
		}
	}
	return ids
}

// Adopt watches a container that ran before the sensor was attached. Adopting
// one that is watched already adds the processes that are not yet known. The
// error wraps ErrNotWatched if the container is not watched at all.
func (t *table) Adopt(a Adoption) error {
	runtime, err := processRoot(a.Runtime)
	if err != nil {
		return fmt.Errorf("cgroup %d: %w: %w", a.Cgroup, ErrNotWatched, err)
	}
	if t.find(a.Cgroup) < 0 {
		if err := t.insert(a, runtime); err != nil {
			return err
		}
	}
	slot := t.find(a.Cgroup)
	if a.Plain {
		atomic.StoreUint32(&t.at(slot).Plain, 1)
	}
	var errs []error
	for _, nested := range a.Nested {
		errs = append(errs, t.insertNested(nested, slot))
	}
	for _, pid := range a.PIDs {
		errs = append(errs, t.adoptProcess(a, slot, runtime, pid))
	}
	return errors.Join(errs...)
}

func (t *table) insert(a Adoption, runtime root) error {
	slot, err := t.claim(a.Cgroup)
	if err != nil {
		return err
	}
	*t.at(slot) = bpfContainer{
		RootIno: runtime.ino,
		RootDev: runtime.dev,
		MntNs:   runtime.mntNS,
		Entries: uint32(min(len(a.PIDs), 1)), // the entrypoint has run
	}
	t.state.Owner[slot] = uint16(slot)
	atomic.StoreUint64(&t.state.Ids[slot/ways][slot%ways], a.Cgroup)
	return nil
}

func (t *table) insertNested(cgroup uint64, owner int) error {
	if t.find(cgroup) >= 0 {
		return nil
	}
	slot, err := t.claim(cgroup)
	if err != nil {
		return err
	}
	*t.at(slot) = bpfContainer{}
	t.state.Owner[slot] = uint16(owner)
	atomic.StoreUint64(&t.state.Ids[slot/ways][slot%ways], cgroup)
	return nil
}

func (t *table) claim(cgroup uint64) (int, error) {
	bucket := bucketOf(cgroup)
	for way := range uint64(ways) {
		if atomic.CompareAndSwapUint64(&t.state.Ids[bucket][way], 0, claimed) {
			return int(bucket*ways + way), nil
		}
	}
	atomic.AddUint64(&t.state.Counters.CgroupsUntracked, 1)
	return 0, fmt.Errorf("cgroup %d: %w: no room in its bucket of %d", cgroup, ErrNotWatched, ways)
}

// adoptProcess marks a running process as the workload's, unless the programs
// have seen it enter or it still runs on the runtime's root.
func (t *table) adoptProcess(a Adoption, slot int, runtime root, pid int) error {
	var known bpfNative
	if t.natives.Lookup(uint32(pid), &known) == nil && known.Cgroup == a.Cgroup {
		return nil
	}
	process, err := processRoot(pid)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return nil // gone meanwhile
	}
	if err != nil {
		return err
	}
	entered := process.ino != runtime.ino || process.dev != runtime.dev || process.mntNS != runtime.mntNS
	if !entered && !a.Plain {
		return nil
	}
	native := bpfNative{Cgroup: a.Cgroup, Owner: uint32(slot), Origin: uint8(event.OriginEntrypoint)}
	if entered {
		native.Entered = 1
	}
	if err := t.natives.Put(uint32(pid), native); err != nil {
		return fmt.Errorf("mark process %d: %w", pid, err)
	}
	return nil
}

// root identifies the file system that a process sees as its root.
type root struct {
	ino   uint64
	dev   uint32 // the kernel's own encoding
	mntNS uint32
}

func processRoot(pid int) (root, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	var st unix.Stat_t
	if err := unix.Stat(dir+"/root/.", &st); err != nil {
		return root{}, fmt.Errorf("stat root of process %d: %w", pid, err)
	}
	ns, err := os.Readlink(dir + "/ns/mnt") // mnt:[4026531841]
	if err != nil {
		return root{}, fmt.Errorf("read mount namespace of process %d: %w", pid, err)
	}
	number, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(ns, "mnt:["), "]"), 10, 32)
	if err != nil {
		return root{}, fmt.Errorf("parse mount namespace of process %d: %w", pid, err)
	}
	return root{
		ino:   st.Ino,
		dev:   unix.Major(st.Dev)<<20 | unix.Minor(st.Dev),
		mntNS: uint32(number),
	}, nil
}
