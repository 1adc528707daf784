package builtin

import "testing"

func TestKernelSetting(t *testing.T) {
	run(t, kernelSetting, tests{
		"core pattern":      {open("/proc/sys/kernel/core_pattern", write), true},
		"mounted elsewhere": {open("/mnt/proc/sys/kernel/core_pattern", write), true},
		"release agent":     {open("/tmp/cgrp/release_agent", write), true},
		"binfmt_misc":       {open("/proc/sys/fs/binfmt_misc/register", write), true},
		"read":              {open("/proc/sys/kernel/core_pattern", read), false},
		"another setting":   {open("/proc/sys/net/core/somaxconn", write), false},
		"on the node":       {onNode(open("/proc/sys/kernel/core_pattern", write)), false},
	})
}
