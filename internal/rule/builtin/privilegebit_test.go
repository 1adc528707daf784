package builtin

import "testing"

func TestPrivilegeBit(t *testing.T) {
	run(t, privilegeBit, tests{
		"letters":      {exec("/bin/chmod", "chmod\x00u+s\x00/tmp/x", 0), true},
		"digits":       {exec("/bin/chmod", "chmod\x004755\x00/tmp/x", 0), true},
		"behind -R":    {exec("/bin/chmod", "chmod\x00-R\x006755\x00/tmp/x", 0), true},
		"sticky":       {exec("/bin/chmod", "chmod\x001777\x00/tmp", 0), false},
		"plain":        {exec("/bin/chmod", "chmod\x00755\x00/tmp/x", 0), false},
		"executable":   {exec("/bin/chmod", "chmod\x00+x\x00/tmp/s", 0), false},
		"capabilities": {exec("/sbin/setcap", "setcap\x00cap_net_raw+ep\x00/tmp/x", 0), true},
		"removed":      {exec("/sbin/setcap", "setcap\x00-r\x00/tmp/x", 0), false},
		"no argument":  {exec("/bin/chmod", "chmod", 0), false},
	})
}
