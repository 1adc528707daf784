package builtin

import "testing"

func TestKernelLayout(t *testing.T) {
	run(t, kernelLayout, tests{
		"symbols":     {open("/proc/kallsyms", read), true},
		"debugfs":     {open("/sys/kernel/debug/sched/debug", read), true},
		"boot":        {open("/boot/System.map-6.1", read), true},
		"other":       {open("/proc/meminfo", read), false},
		"on the node": {onNode(open("/proc/kallsyms", read)), false},
	})
}
