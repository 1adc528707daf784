package builtin

import (
	"bobwatch/internal/interpreter"
	"bobwatch/internal/rule"
)

// reverseShell: a shell whose input and output are a connection takes orders from elsewhere.
var reverseShell = Rule{
	ID:    rule.ReverseShell,
	About: "an interpreter with code that connects a shell to a peer, such as `/dev/tcp/`; `nc -e`, `socat EXEC:`",
	Blind: "code that comes from a file or from the input",
	Kinds: executions,
	Broken: func(a Act) bool {
		args := a.Event.Args
		switch {
		case interpreter.Is(a.Event.Path, args):
			return holds(args, shellCode)
		case netcats.runs(a.Event):
			return netcatOptions.hasArgument(args)
		}
		return socats.runs(a.Event) && holds(args, socatAddresses)
	},
}

var shellCode = wordsOf("/dev/tcp/", "/dev/udp/", "pty.spawn", ".fileno(),0)", "fsockopen(", "TCPSocket.open(", "TCPSocket.new(", "/inet/tcp/0/", "nc -e ", "ncat -e ", "nc -c ")

var netcats, socats = namesOf("nc", "ncat", "netcat", "nc.traditional", "nc.openbsd"), namesOf("socat")

var netcatOptions = namesOf("-e", "-c", "--exec", "--sh-exec", "--lua-exec", "-ne", "-nve", "-lvpe", "-lpe", "-nlvpe", "-le")

var socatAddresses = wordsOf("EXEC:", "exec:", "SYSTEM:", "system:")
