package builtin

import "testing"

func TestHiddenProgram(t *testing.T) {
	run(t, hiddenProgram, tests{
		"hidden":  {exec("/tmp/.x", "x", 0), true},
		"dots":    {exec("/tmp/...", "...", 0), true},
		"plain":   {exec("/tmp/x", ".x", 0), false},
		"nothing": {exec("", "", 0), false},
	})
}
