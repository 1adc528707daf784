package builtin

import (
	"bytes"

	"bobwatch/internal/interpreter"
	"bobwatch/internal/rule"
)

// reverseShell: a shell whose input and output are a connection takes orders from elsewhere.
var reverseShell = Rule{
	ID:    rule.ReverseShell,
	About: "an interpreter with code that connects a shell to a peer, such as `/dev/tcp/`; `nc -e`, `socat EXEC:`",
	Blind: "code that comes from a file or from the input; a connection to the container itself that no sign of a shell goes with, such as `sh -i` or `0>&1`",
	Kinds: executions,
	Broken: func(a Act) bool {
		args := a.Event.Args
		switch {
		case interpreter.Is(a.Event.Path, args):
			return holds(args, shellCode) || connects(args)
		case netcats.runs(a.Event):
			return netcatOptions.hasArgument(args)
		}
		return socats.runs(a.Event) && holds(args, socatAddresses)
	},
}

var shellCode = wordsOf("pty.spawn", ".fileno(),0)", "fsockopen(", "TCPSocket.open(", "TCPSocket.new(", "/inet/tcp/0/", "nc -e ", "ncat -e ", "nc -c ")

// connects reports whether code connects a shell to a peer by a path of bash. Health
// checks so connect to the container itself.
func connects(args []byte) bool {
	local := false
	for rest := args; ; {
		at := bytes.Index(rest, devices)
		if at < 0 {
			return local && (holds(args, shellSigns) || interactive.hasArgument(args))
		}
		rest = rest[at+len(devices):]
		peer, ok := bytes.CutPrefix(rest, tcp)
		if !ok {
			peer, ok = bytes.CutPrefix(rest, udp)
		}
		if !ok {
			continue
		}
		if host, _, _ := bytes.Cut(peer, slash); !isLocal(host) {
			return true
		}
		local = true
	}
}

var devices, tcp, udp, slash = []byte("/dev/"), []byte("tcp/"), []byte("udp/"), []byte("/")

// isLocal reports whether host is the container itself.
func isLocal(host []byte) bool {
	if is(host, "localhost", "::1", "0.0.0.0") {
		return true
	}
	if !below(host, "127.") {
		return false
	}
	for _, c := range host {
		if c != '.' && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

var shellSigns = wordsOf(
	"sh -i", "sh -l -i", "0>&1", "0<&", "sh <&", "sh<&", ">& /dev/tcp/", ">&/dev/tcp/", "&> /dev/tcp/", "&>/dev/tcp/", ">& /dev/udp/", ">&/dev/udp/", "&> /dev/udp/", "&>/dev/udp/",
)

var interactive = namesOf("-i")

var netcats, socats = namesOf("nc", "ncat", "netcat", "nc.traditional", "nc.openbsd"), namesOf("socat")

var netcatOptions = namesOf("-e", "-c", "--exec", "--sh-exec", "--lua-exec", "-ne", "-nve", "-lvpe", "-lpe", "-nlvpe", "-le")

var socatAddresses = wordsOf("EXEC:", "exec:", "SYSTEM:", "system:")
