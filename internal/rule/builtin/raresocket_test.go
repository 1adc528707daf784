package builtin

import "testing"

func TestRareSocket(t *testing.T) {
	run(t, rareSocket, tests{
		"alg":         {socket(familyALG), true},
		"vsock":       {socket(familyVsock), true},
		"inet":        {socket(2), false},
		"on the node": {onNode(socket(familyALG)), false},
	})
}
