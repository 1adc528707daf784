package builtin

import "testing"

func TestEncodedCode(t *testing.T) {
	run(t, encodedCode, tests{
		"shell":   {exec("/bin/sh", "sh\x00-c\x00echo aWQ= | base64 -d | sh", 0), true},
		"python":  {exec("/usr/bin/python3.11", "python3\x00-c\x00exec(base64.b64decode('aWQ='))", 0), true},
		"tool":    {exec("/usr/bin/base64", "base64\x00-d", 0), true},
		"encode":  {exec("/usr/bin/base64", "base64", 0), false},
		"no code": {exec("/bin/echo", "echo\x00base64 -d", 0), false},
	})
}
