package builtin

import "testing"

func TestRawDevice(t *testing.T) {
	run(t, rawDevice, tests{
		"disk":      {open("/dev/sda", read), true},
		"partition": {open("/dev/nvme0n1p2", write), true},
		"volume":    {open("/dev/mapper/root", read), true},
		"memory":    {open("/dev/mem", read), true},
		"kcore":     {open("/proc/kcore", read), true},
		"lookup":    {open("/dev/sda", 0), false},
		"null":      {open("/dev/null", write), false},
		"stdin":     {open("/dev/stdin", read), false},
		"shm":       {open("/dev/shm/sda", write), false},
		"the node":  {onNode(open("/dev/sda", read)), false},
	})
}
