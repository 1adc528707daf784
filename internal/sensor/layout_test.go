package sensor

import (
	"testing"
	"unsafe"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/event"
)

// TestNumbersAgree compares what bpf/event.h numbers with internal/event: a kind
// or flag that only one side knows fails here.
func TestNumbersAgree(t *testing.T) {
	tests := map[string]map[string]uint64{
		"event_kind": {
			"KIND_SYSCALL":        uint64(event.KindSyscall),
			"KIND_EXEC":           uint64(event.KindExec),
			"KIND_OPEN":           uint64(event.KindOpen),
			"KIND_CGROUP_CREATED": uint64(event.KindCgroupCreated),
			"KIND_CGROUP_REMOVED": uint64(event.KindCgroupRemoved),
			"KIND_MOVED":          uint64(event.KindMoved),
			"KIND_SELF_TEST":      uint64(event.KindSelfTest),
			"KIND_CONNECTION":     uint64(event.KindConnection),
			"KIND_SOCKET":         uint64(event.KindSocket),
			"KIND_CHANGE":         uint64(event.KindChange),
			"KIND_END":            uint64(event.KindEnd),
		},
		"change_act": {
			"CHANGE_RENAME":     uint64(event.ChangeRename),
			"CHANGE_UNLINK":     uint64(event.ChangeUnlink),
			"CHANGE_LINK":       uint64(event.ChangeLink),
			"CHANGE_SYMLINK":    uint64(event.ChangeSymlink),
			"CHANGE_MKDIR":      uint64(event.ChangeMkdir),
			"CHANGE_RMDIR":      uint64(event.ChangeRmdir),
			"CHANGE_MKNOD":      uint64(event.ChangeMknod),
			"CHANGE_DEVICE":     uint64(event.ChangeDevice),
			"CHANGE_CHMOD":      uint64(event.ChangeChmod),
			"CHANGE_SETUID":     uint64(event.ChangeSetuid),
			"CHANGE_EXECUTABLE": uint64(event.ChangeExecutable),
			"CHANGE_CHOWN":      uint64(event.ChangeChown),
			"CHANGE_TRUNCATE":   uint64(event.ChangeTruncate),
			"CHANGE_SETXATTR":   uint64(event.ChangeSetxattr),
			"CHANGE_SETCAP":     uint64(event.ChangeSetcap),
			"CHANGE_MOUNT":      uint64(event.ChangeMount),
			"CHANGE_END":        uint64(event.ChangeEnd),
		},
		"event_flag": {
			"FLAG_RUNTIME":        uint64(event.FlagRuntime),
			"FLAG_TTY":            uint64(event.FlagTTY),
			"FLAG_REFUSED":        uint64(event.FlagRefused),
			"FLAG_CALLER_PATH":    uint64(event.FlagCallerPath),
			"FLAG_PATH_TRUNCATED": uint64(event.FlagPathTruncated),
			"FLAG_ARGS_TRUNCATED": uint64(event.FlagArgsTruncated),
			"FLAG_MEMFD":          uint64(event.FlagMemfd),
			"FLAG_UPPER_LAYER":    uint64(event.FlagUpperLayer),
			"FLAG_DELETED":        uint64(event.FlagDeleted),
			"FLAG_IO_URING":       uint64(event.FlagIOUring),
			"FLAG_GUARDED":        uint64(event.FlagGuarded),
			"FLAG_OUTSIDE":        uint64(event.FlagOutside),
			"FLAG_MOUNT":          uint64(event.FlagMount),
			"FLAG_LEFT":           uint64(event.FlagLeft),
			"FLAG_HANDED_OVER":    uint64(event.FlagHandedOver),
			"FLAG_CREATED":        uint64(event.FlagCreated),
			"FLAG_SENSITIVE":      uint64(event.FlagSensitive),
			"FLAG_REPLACED":       uint64(event.FlagReplaced),
			"FLAG_ALLOWED":        uint64(event.FlagAllowed),
			"FLAG_LOWER_LAYER":    uint64(event.FlagLowerLayer),
		},
	}
	spec, err := loadBpf()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			var enum *btf.Enum
			if err := spec.Types.TypeByName(name, &enum); err != nil {
				t.Fatal(err)
			}
			got := map[string]uint64{}
			for _, value := range enum.Values {
				got[value.Name] = value.Value
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("internal/event (-) and bpf/event.h (+) differ:\n%s", diff)
			}
		})
	}
}

// TestEveryKindIsCounted compares the counters of bpf/maps.h with event.Kinds.
func TestEveryKindIsCounted(t *testing.T) {
	var state *bpfSharedState
	for name, got := range map[string]int{
		"records":     len(state.Counters.Records),
		"ring_full":   len(state.Counters.RingFull),
		"over_budget": len(state.Counters.OverBudget),
	} {
		if got != event.Kinds || got < int(event.KindEnd) {
			t.Errorf("%s has %d counters, want event.Kinds, %d, which no kind exceeds", name, got, event.Kinds)
		}
	}
	if got, want := unsafe.Sizeof(event.Flag(0)), unsafe.Sizeof(bpfEvent{}.Flags); got != want {
		t.Errorf("a flag has %d bytes, want %d", got, want)
	}
}
