package builtin

import "testing"

func TestBackdooredLibrary(t *testing.T) {
	run(t, backdooredLibrary, tests{
		"back door": {open("/usr/lib/x86_64-linux-gnu/liblzma.so.5.6.1", read), true},
		"clean":     {open("/usr/lib/x86_64-linux-gnu/liblzma.so.5.6.2", read), false},
	})
}
