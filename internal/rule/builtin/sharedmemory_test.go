package builtin

import (
	"testing"
)

func TestSharedMemoryExec(t *testing.T) {
	run(t, sharedMemoryExec, tests{
		"program":               {exec("/dev/shm/x", "x", 0), true},
		"below":                 {exec("/dev/shm/a/b", "b", 0), true},
		"by its name":           {exec("/usr/bin/env", "/dev/shm/x", 0), true},
		"script":                {exec("/bin/dash", "sh\x00/dev/shm/x.sh", 0), true},
		"argument of no script": {exec("/bin/cat", "cat\x00/dev/shm/x", 0), false},
		"neighbour":             {exec("/dev/shmx/x", "x", 0), false},
		"elsewhere":             {exec("/bin/sh", "sh\x00-c\x00ls /dev/shm/", 0), false},
		"nothing known":         {exec("", "", 0), false},
	})
}
