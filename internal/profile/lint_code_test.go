package profile

import "testing"

func TestWarnsOfAnyCode(t *testing.T) {
	tests := map[string]struct {
		exec Exec
		want bool
	}{
		"shell code":             {Exec{Path: "/bin/sh", Args: []string{"sh", "-c", Dynamic}}, true},
		"behind an operand":      {Exec{Path: "/bin/bash", Args: []string{"bash", "-o", "pipefail", "-c", Dynamic}}, true},
		"behind a user":          {Exec{Path: "/bin/su", Args: []string{"su", "postgres", "-c", Dynamic}}, true},
		"busybox":                {Exec{Path: "/bin/busybox", Args: []string{"busybox", "sh", "-c", Dynamic}}, true},
		"any arguments":          {Exec{Path: "/usr/bin/python3.11", Args: []string{"python3", DynamicArgs}}, true},
		"no arguments given":     {Exec{Path: "/bin/sh"}, true},
		"no arguments allowed":   {Exec{Path: "/bin/sh", ArgsRequired: true}, false},
		"known code":             {Exec{Path: "/bin/sh", Args: []string{"sh", "-c", "date"}}, false},
		"words in known code":    {Exec{Path: "/bin/sh", Args: []string{"sh", "-c", "ping -c 4 ⋯"}}, false},
		"arguments of a script":  {Exec{Path: "/usr/bin/python3.11", Args: []string{"python3", "serve.py", Dynamic}}, false},
		"no interpreter":         {Exec{Path: "/usr/bin/tail", Args: []string{"tail", "-c", Dynamic}}, false},
		"no interpreter, though": {Exec{Path: "/usr/bin/tail"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := runsAnyCode(tt.exec); got != tt.want {
				t.Errorf("runsAnyCode(%v) = %t, want %t", tt.exec, got, tt.want)
			}
		})
	}
}
