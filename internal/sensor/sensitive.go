package sensor

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"bobwatch/internal/event"
)

// maxSensitive bounds the files that are marked in one container.
const maxSensitive = 256

// MarkSensitive makes the kernel recognise the file behind fd, a descriptor of
// this process, in the container: an open of it by any name carries event.FlagSensitive,
// is named by name in Object, and is charged to a budget of its own. The marks go with
// the container.
func (s *Sensor) MarkSensitive(cgroup uint64, fd int, name string) error {
	names := s.sensitive[cgroup]
	number := slices.Index(names, name)
	if number < 0 {
		if len(names) >= maxSensitive {
			return fmt.Errorf("mark %q of cgroup %d: %d files are marked already", name, cgroup, maxSensitive)
		}
		number = len(names)
	}
	result, err := s.collection.Programs[bpfProgMarkSensitive].Run(&ebpf.RunOptions{
		Context: []uint64{cgroup, uint64(fd), uint64(number)},
	})
	if err != nil {
		return fmt.Errorf("mark %q of cgroup %d: %w", name, cgroup, err)
	}
	if int32(result) != 0 {
		return fmt.Errorf("mark %q of cgroup %d: %w", name, cgroup, ErrNotWatched)
	}
	if number == len(names) {
		if s.sensitive == nil {
			s.sensitive = make(map[uint64][]string)
		}
		s.sensitive[cgroup] = append(names, name)
	}
	return nil
}

// nameObject names the file of an event with event.FlagSensitive. One that an
// earlier agent marked may have no name yet.
func (s *Sensor) nameObject(ev *event.Event) {
	names := s.sensitive[ev.Cgroup]
	if int(ev.Nr) < len(names) {
		ev.Object = names[ev.Nr]
	}
}
