package builtin

import (
	"testing"

	"bobwatch/internal/event"
)

func TestPrivilegeBit(t *testing.T) {
	run(t, privilegeBit, tests{
		"letters":            {exec("/bin/chmod", "chmod\x00u+s\x00/tmp/x", 0), true},
		"digits":             {exec("/bin/chmod", "chmod\x004755\x00/tmp/x", 0), true},
		"behind -R":          {exec("/bin/chmod", "chmod\x00-R\x006755\x00/tmp/x", 0), true},
		"sticky":             {exec("/bin/chmod", "chmod\x001777\x00/tmp", 0), false},
		"plain":              {exec("/bin/chmod", "chmod\x00755\x00/tmp/x", 0), false},
		"executable":         {exec("/bin/chmod", "chmod\x00+x\x00/tmp/s", 0), false},
		"capabilities":       {exec("/sbin/setcap", "setcap\x00cap_net_raw+ep\x00/tmp/x", 0), true},
		"removed":            {exec("/sbin/setcap", "setcap\x00-r\x00/tmp/x", 0), false},
		"no argument":        {exec("/bin/chmod", "chmod", 0), false},
		"setgid and sticky":  {exec("/bin/chmod", "chmod\x0003775\x00/x", 0), false},
		"setgid":             {exec("/bin/chmod", "chmod\x002775\x00/x", 0), false},
		"setgid by letter":   {exec("/bin/chmod", "chmod\x00g+s\x00/x", 0), false},
		"bit removed":        {exec("/bin/chmod", "chmod\x00u-s\x00/x", 0), false},
		"five digits":        {exec("/bin/chmod", "chmod\x0004755\x00/x", 0), true},
		"for all":            {exec("/bin/chmod", "chmod\x00+s\x00/x", 0), true},
		"for all by letter":  {exec("/bin/chmod", "chmod\x00a+s\x00/x", 0), true},
		"both":               {exec("/bin/chmod", "chmod\x00ug+s\x00/x", 0), true},
		"second clause":      {exec("/bin/chmod", "chmod\x00g+s,u+s\x00/x", 0), true},
		"assigned":           {exec("/bin/chmod", "chmod\x00u=rwxs\x00/x", 0), true},
		"second sign":        {exec("/bin/chmod", "chmod\x00u-x+s\x00/x", 0), true},
		"assigned digits":    {exec("/bin/chmod", "chmod\x00=4755\x00/x", 0), true},
		"applet":             {exec("/bin/busybox", "busybox\x00chmod\x00u+s\x00/x", 0), true},
		"call":               {chmod(event.ChangeSetuid, 0o4755, event.FlagCallerPath), true},
		"call, descriptor":   {chmod(event.ChangeSetuid, 0o4755, 0), true},
		"call, setgid":       {chmod(event.ChangeSetuid, 0o3775, event.FlagCallerPath), false},
		"setgid program":     {chmod(event.ChangeSetuid, 0o2755, 0), true},
		"call, refused":      {chmod(event.ChangeSetuid, 0o4755, event.FlagCallerPath|event.FlagRefused), false},
		"call, executable":   {chmod(event.ChangeExecutable, 0o755, 0), false},
		"call, capabilities": {chmod(event.ChangeSetcap, 0, event.FlagCallerPath), true},
	})
}

func chmod(act event.ChangeAct, mode uint32, flags event.Flag) Act {
	return Act{Container: image, Event: &event.Event{Kind: event.KindChange, Change: act, Mode: mode, Path: []byte("/tmp/x"), Flags: flags}}
}
