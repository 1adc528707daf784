package sensor

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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
}

// load loads the programs, on the pinned maps where there are any that fit.
func load(opts Options, pins *pins) (*ebpf.Collection, error) {
	spec, err := loadBpf()
	if err != nil {
		return nil, fmt.Errorf("load programs: %w", err)
	}
	if err := configure(spec, opts); err != nil {
		return nil, err
	}
	if !hasTracepoint("io_uring_submit_req") {
		delete(spec.Programs, bpfProgHandleUringSubmit)
	}
	pins.dropUnfit(spec.Maps)
	// Only loading tells whether bpf_rdonly_cast may be called here.
	var errs []error
	for _, unused := range []string{bpfProgHandleOpenExitProbe, bpfProgHandleOpenExit} {
		attempt := spec.Copy()
		delete(attempt.Programs, unused)
		collection, err := ebpf.NewCollectionWithOptions(attempt, ebpf.CollectionOptions{MapReplacements: pins.maps})
		if err == nil {
			return collection, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("load programs: %+v", errors.Join(errs...))
}

func configure(spec *ebpf.CollectionSpec, opts Options) error {
	var seed [8]byte
	rand.Read(seed[:])
	if err := spec.Variables[bpfVarHashSeed].Set(binary.NativeEndian.Uint64(seed[:])); err != nil {
		return fmt.Errorf("set hash seed: %w", err)
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

// hasTracepoint reports whether the kernel has a BTF-enabled tracepoint.
func hasTracepoint(name string) bool {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return false
	}
	var typedef *btf.Typedef
	return spec.TypeByName("btf_trace_"+name, &typedef) == nil
}

// openSyscalls are the calls whose exits handle_open_exit is attached to. Not
// every architecture has all of them.
var openSyscalls = []string{"open", "openat", "openat2", "creat", "open_by_handle_at"}

func attach(programs map[string]*ebpf.Program) (attached []attachment, err error) {
	for name, program := range programs {
		if program.Type() == ebpf.TracePoint {
			continue
		}
		l, err := link.AttachTracing(link.TracingOptions{Program: program})
		if err != nil {
			return attached, fmt.Errorf("attach %s: %w", name, err)
		}
		attached = append(attached, attachment{hook: name, link: l})
	}
	if err := ensureTracefs(); err != nil {
		return attached, err
	}
	opens := programs[bpfProgHandleOpenExit]
	if opens == nil {
		opens = programs[bpfProgHandleOpenExitProbe]
	}
	for _, syscall := range openSyscalls {
		l, err := link.Tracepoint("syscalls", "sys_exit_"+syscall, opens, nil)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return attached, fmt.Errorf("attach sys_exit_%s: %w", syscall, err)
		}
		attached = append(attached, attachment{hook: "sys_exit_" + syscall, link: l})
	}
	return attached, nil
}

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
