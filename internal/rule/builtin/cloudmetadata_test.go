package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestCloudMetadata(t *testing.T) {
	run(t, cloudMetadata, tests{
		"metadata": {egress("169.254.169.254:80"), true},
		"IPv6":     {egress("[fd00:ec2::254]:80"), true},
		"other":    {egress("192.0.2.1:80"), false},
		"nobody":   {Act{Event: &event.Event{Kind: event.KindConnection}}, false},
	})
}
