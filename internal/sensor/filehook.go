package sensor

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// openFunctions are the names of the kernel's function that every open by a path
// goes through: that of Linux 7 last. It returns the file before the file has a
// descriptor.
var openFunctions = []string{"do_filp_open", "do_file_open"}

// chooseFileHook leaves out the program on an open function if the kernel refuses a
// program there. Only trying shows that: some kernels refuse every trampoline, and others
// do not know the function.
func chooseFileHook(spec *ebpf.CollectionSpec) error {
	programs := []string{bpfProgHandleFileOpened, bpfProgHandleFileOpenedProbe}
	function := openFunction()
	for _, name := range programs {
		if function == "" {
			delete(spec.Programs, name)
		} else {
			spec.Programs[name].AttachTo = function
		}
	}
	if function == "" {
		return nil
	}
	if err := spec.Variables[bpfVarTracesFiles].Set(uint32(1)); err != nil {
		return fmt.Errorf("set hook of opens: %w", err)
	}
	return nil
}

// openFunction returns the function whose return takes a program, "" if there is
// none.
func openFunction() string {
	for _, function := range openFunctions {
		if takesTrampoline(function) {
			return function
		}
	}
	return ""
}

// takesTrampoline attaches a program that does nothing to a function's return.
func takesTrampoline(function string) bool {
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.Tracing,
		AttachType:   ebpf.AttachTraceFExit,
		AttachTo:     function,
		License:      "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return false
	}
	defer program.Close()
	l, err := link.AttachTracing(link.TracingOptions{Program: program})
	if err != nil {
		return false
	}
	return l.Close() == nil
}
