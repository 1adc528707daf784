package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestKubernetesClient(t *testing.T) {
	run(t, kubernetesClient, tests{
		"kubectl":          {exec("/usr/local/bin/kubectl", "kubectl\x00get\x00pods", 0), true},
		"by its name":      {exec("/tmp/x", "/tmp/kubectl", 0), true},
		"other":            {exec("/usr/bin/ls", "ls\x00kubectl", 0), false},
		"API server":       {egress("10.96.0.1:443"), true},
		"another port":     {egress("10.96.0.1:80"), false},
		"another address":  {egress("10.96.0.2:443"), false},
		"nobody's address": {Act{Event: &event.Event{Kind: event.KindConnection}, Container: image}, false},
	})
}
