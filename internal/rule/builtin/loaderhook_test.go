package builtin

import "testing"

func TestLoaderHook(t *testing.T) {
	run(t, loaderHook, tests{
		"write": {open("/etc/ld.so.preload", write), true},
		"read":  {open("/etc/ld.so.preload", read), false},
		"other": {open("/etc/ld.so.cache", write), false},
	})
}
