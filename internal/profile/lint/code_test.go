package lint

import (
	"testing"

	"bobwatch/internal/glob"
	"bobwatch/internal/profile"
)

func TestWarnsOfAnyCode(t *testing.T) {
	tests := map[string]struct {
		exec profile.Exec
		want bool
	}{
		"shell code":             {profile.Exec{Path: "/bin/sh", Args: []string{"sh", "-c", glob.Dynamic}}, true},
		"behind an operand":      {profile.Exec{Path: "/bin/bash", Args: []string{"bash", "-o", "pipefail", "-c", glob.Dynamic}}, true},
		"behind a user":          {profile.Exec{Path: "/bin/su", Args: []string{"su", "postgres", "-c", glob.Dynamic}}, true},
		"busybox":                {profile.Exec{Path: "/bin/busybox", Args: []string{"busybox", "sh", "-c", glob.Dynamic}}, true},
		"any arguments":          {profile.Exec{Path: "/usr/bin/python3.11", Args: []string{"python3", glob.DynamicArgs}}, true},
		"no arguments given":     {profile.Exec{Path: "/bin/sh"}, true},
		"no arguments allowed":   {profile.Exec{Path: "/bin/sh", ArgsRequired: true}, false},
		"known code":             {profile.Exec{Path: "/bin/sh", Args: []string{"sh", "-c", "date"}}, false},
		"words in known code":    {profile.Exec{Path: "/bin/sh", Args: []string{"sh", "-c", "ping -c 4 ⋯"}}, false},
		"arguments of a script":  {profile.Exec{Path: "/usr/bin/python3.11", Args: []string{"python3", "serve.py", glob.Dynamic}}, false},
		"no interpreter":         {profile.Exec{Path: "/usr/bin/tail", Args: []string{"tail", "-c", glob.Dynamic}}, false},
		"no interpreter, though": {profile.Exec{Path: "/usr/bin/tail"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := runsAnyCode(tt.exec); got != tt.want {
				t.Errorf("runsAnyCode(%v) = %t, want %t", tt.exec, got, tt.want)
			}
		})
	}
}
