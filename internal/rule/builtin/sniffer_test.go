package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestSniffer(t *testing.T) {
	run(t, sniffer, tests{
		"packet":      {socket(event.FamilyPacket), true},
		"xdp":         {socket(familyXDP), true},
		"inet":        {socket(event.FamilyIPv4), false},
		"on the node": {onNode(socket(event.FamilyPacket)), false},
	})
}
