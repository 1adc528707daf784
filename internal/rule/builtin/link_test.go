package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func change(act event.ChangeAct, path, target string, flags event.Flag) Act {
	return Act{Event: &event.Event{Kind: event.KindChange, Change: act, Path: []byte(path), Target: []byte(target), Flags: flags}}
}

func TestLinksToSensitiveFiles(t *testing.T) {
	run(t, symlinkToSensitive, tests{
		"to shadow":       {change(event.ChangeSymlink, "/tmp/x", "/etc/shadow", event.FlagCreated), true},
		"to a plain file": {change(event.ChangeSymlink, "/tmp/x", "/tmp/y", event.FlagCreated), false},
		"a removal":       {change(event.ChangeUnlink, "/etc/shadow", "", 0), false},
	})
	run(t, hardLinkToSensitive, tests{
		"to shadow":       {change(event.ChangeLink, "/etc/shadow", "", 0), true},
		"to a plain file": {change(event.ChangeLink, "/tmp/y", "", 0), false},
		"the new name":    {change(event.ChangeLink, "/etc/shadow", "", event.FlagCreated), false},
		"a rename":        {change(event.ChangeRename, "/etc/shadow", "", 0), false},
	})
}
