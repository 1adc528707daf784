package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
)

// programs are loaded BPF programs that trace, their names by id.
type programs map[ebpf.ProgramID]string

// tracingPrograms returns what is loaded now, by anyone.
func tracingPrograms() (programs, error) {
	found := programs{}
	for id := ebpf.ProgramID(0); ; {
		var err error
		if id, err = ebpf.ProgramGetNextID(id); errors.Is(err, os.ErrNotExist) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("list programs: %w", err)
		}
		prog, err := ebpf.NewProgramFromID(id)
		if errors.Is(err, os.ErrNotExist) {
			continue // gone meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list programs: %w", err)
		}
		switch prog.Type() {
		case ebpf.Tracing, ebpf.RawTracepoint, ebpf.RawTracepointWritable, ebpf.TracePoint, ebpf.Kprobe:
			info, err := prog.Info()
			if err == nil {
				found[id] = info.Name
			}
		}
		prog.Close()
	}
}

// others returns the name of one program that is not among the known ones, or
// nothing.
func (p programs) others(known programs) string {
	for id, name := range p {
		if _, ok := known[id]; !ok {
			return name
		}
	}
	return ""
}

// waitAlone waits until only the resident programs are loaded: the kernel takes
// its time to free what was detached. It returns the name of one that stays.
func waitAlone(resident programs) (stays string, err error) {
	for range 50 {
		now, err := tracingPrograms()
		if err != nil {
			return "", err
		}
		if stays = now.others(resident); stays == "" {
			return "", nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return stays, nil
}
