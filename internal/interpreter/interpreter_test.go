package interpreter

import "testing"

func TestIsInterpreter(t *testing.T) {
	tests := map[string]struct {
		path, args string
		want       bool
	}{
		"by path":                {"/bin/bash", "x\x00", true},
		"version":                {"/usr/bin/python3.11", "", true},
		"applet":                 {"/bin/busybox", "sh\x00-c\x00id\x00", true},
		"login":                  {"/bin/busybox", "-sh\x00", true},
		"applet, path":           {"/bin/busybox", "/bin/ash", true},
		"applet, first argument": {"/bin/busybox", "busybox\x00sh\x00", true},
		"another applet":         {"/bin/busybox", "ls\x00sh\x00", false},
		"busybox alone":          {"/bin/busybox", "busybox\x00", false},
		"no argument":            {"/bin/ls", "", false},
	}
	for name, tt := range tests {
		path, args := []byte(tt.path), []byte(tt.args)
		if got := Is(path, args); got != tt.want {
			t.Errorf("%s: IsInterpreter = %t, want %t", name, got, tt.want)
		}
		if n := testing.AllocsPerRun(10, func() { Is(path, args) }); n != 0 {
			t.Errorf("%s: IsInterpreter allocates %v times", name, n)
		}
	}
}
