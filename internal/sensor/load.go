package sensor

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// bssMap holds the one variable `state`, see bpf/maps.h.
const bssMap = ".bss"

// attachment is one program on one hook.
type attachment struct {
	hook string
	link link.Link
	id   link.ID
	pin  string // path of the pinned link, empty if it is not pinned
}

// load loads the programs, on the pinned maps where there are any that fit.
func load(opts Options, token, seed uint64, pins *pins) (*ebpf.Collection, error) {
	spec, err := loadBpf()
	if err != nil {
		return nil, fmt.Errorf("load programs: %w", err)
	}
	if err := configure(spec, opts, token, seed); err != nil {
		return nil, err
	}
	if !hasTracepoint("io_uring_submit_req") {
		delete(spec.Programs, bpfProgHandleUringSubmit)
	}
	if err := chooseFileHook(spec); err != nil {
		return nil, err
	}
	pins.dropUnfit(spec.Maps)
	// Only loading shows whether bpf_rdonly_cast may be called here.
	var errs []error
	for _, unused := range [][]string{
		{bpfProgHandleOpenExitProbe, bpfProgHandleFileOpenedProbe},
		{bpfProgHandleOpenExit, bpfProgHandleFileOpened},
	} {
		attempt := spec.Copy()
		for _, name := range unused {
			delete(attempt.Programs, name)
		}
		delete(attempt.Variables, bpfVarState) // or the library maps it a second time
		collection, err := ebpf.NewCollectionWithOptions(attempt, ebpf.CollectionOptions{MapReplacements: pins.maps})
		if err == nil {
			return collection, nil
		}
		errs = append(errs, err)
	}
	//nolint:errorlint // %+v is what prints all that the verifier said
	return nil, fmt.Errorf("load programs: %+v", errors.Join(errs...))
}

func configure(spec *ebpf.CollectionSpec, opts Options, token, seed uint64) error {
	if err := spec.Variables[bpfVarHashSeed].Set(seed); err != nil {
		return fmt.Errorf("set hash seed: %w", err)
	}
	if err := spec.Variables[bpfVarSelfTestToken].Set(token); err != nil {
		return fmt.Errorf("set self-test token: %w", err)
	}
	spec.Maps[bssMap].Flags |= unix.BPF_F_MMAPABLE // the library adds it unseen; a pinned one has it
	if opts.Cooldown > 0 {
		if err := spec.Variables[bpfVarCooldownNs].Set(uint64(opts.Cooldown)); err != nil {
			return fmt.Errorf("set cooldown: %w", err)
		}
	}
	if opts.RingBytes > 0 {
		spec.Maps[bpfMapEvents].MaxEntries = opts.RingBytes
	}
	return nil
}

func random() uint64 {
	var bytes [8]byte
	rand.Read(bytes[:])
	return binary.NativeEndian.Uint64(bytes[:])
}

// hasTracepoint reports whether the kernel has a BTF-enabled tracepoint.
func hasTracepoint(name string) bool {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return false
	}
	var typedef *btf.Typedef
	return spec.TypeByName("btf_trace_"+name, &typedef) == nil
}

// exits are the system calls whose exits a program is attached to. Not every
// architecture has all of them, and of the programs for opens one is loaded.
var exits = map[string][]string{
	bpfProgHandleOpenExit:      openSyscalls,
	bpfProgHandleOpenExitProbe: openSyscalls,
	bpfProgHandleSocketExit:    {"socket"},
	bpfProgHandleConnectExit:   {"connect"},
	bpfProgHandleBindExit:      {"bind"},
	bpfProgHandleChangeExit:    slices.Sorted(maps.Keys(changes)),
}

var openSyscalls = []string{"open", "openat", "openat2", "creat", "open_by_handle_at"}

// exitHook begins the name of a tracepoint on the exit of a syscall.
const exitHook = "sys_exit_"

// attach returns what it attached also if it fails.
func attach(programs map[string]*ebpf.Program) (attached []attachment, err error) {
	add := func(hook string, l link.Link) error {
		id, err := linkID(l)
		if err != nil {
			return fmt.Errorf("attach %s: %w", hook, err)
		}
		attached = append(attached, attachment{hook: hook, link: l, id: id})
		return nil
	}
	if err := ensureTracefs(); err != nil {
		return attached, err
	}
	for name, program := range programs {
		switch {
		case slices.Contains(iterators, name), program.Type() == ebpf.RawTracepoint: // run, not attached
			continue
		case program.Type() == ebpf.TracePoint:
			if err := attachExits(program, exits[name], add); err != nil {
				return attached, err
			}
			continue
		}
		l, err := link.AttachTracing(link.TracingOptions{Program: program})
		if err != nil {
			return attached, fmt.Errorf("attach %s: %w", name, err)
		}
		if err := add(name, l); err != nil {
			return attached, err
		}
	}
	return attached, nil
}

func attachExits(program *ebpf.Program, syscalls []string, add func(string, link.Link) error) error {
	for _, syscall := range syscalls {
		hook := exitHook + syscall
		l, err := link.Tracepoint("syscalls", hook, program, &link.TracepointOptions{Cookie: changes[syscall].cookie()})
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case errors.Is(err, os.ErrPermission):
			return fmt.Errorf("attach %s: %w; %w", hook, err, errParanoid)
		case err != nil:
			return fmt.Errorf("attach %s: %w", hook, err)
		}
		if err := add(hook, l); err != nil {
			return err
		}
	}
	return nil
}

// errParanoid names the needs of Debian's default of kernel.perf_event_paranoid, 3, in
// addition to the capabilities that other kernels need.
var errParanoid = fmt.Errorf("set kernel.perf_event_paranoid to 2 or less, or grant cap_sys_admin: %w", ErrUnsupported)

// ensureTracefs mounts tracefs where nothing has yet: the ids of the
// per-syscall tracepoints are read from it.
func ensureTracefs() error {
	const tracing = "/sys/kernel/tracing"
	if _, err := os.Stat(filepath.Join(tracing, "events")); err == nil {
		return nil
	}
	if err := unix.Mount("tracefs", tracing, "tracefs", 0, ""); err != nil {
		return fmt.Errorf("mount tracefs on %s (in a container, mount the host's there): %w", tracing, err)
	}
	return nil
}
