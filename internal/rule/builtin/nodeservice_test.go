package builtin

import "testing"

func TestNodeService(t *testing.T) {
	run(t, nodeService, tests{
		"runtime":     {unix("/run/containerd/containerd.sock"), true},
		"elsewhere":   {unix("/host/run/docker.sock"), true},
		"other":       {unix("/run/mysqld/mysqld.sock"), false},
		"network":     {egress("192.0.2.1:80"), false},
		"on the node": {onNode(unix("/run/docker.sock")), false},
	})
}
