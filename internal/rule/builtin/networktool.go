package builtin

import (
	"bobwatch/internal/rule"
)

// networkTool: scanners and sniffers look for the next machine.
var networkTool = Rule{
	ID:    rule.NetworkTool,
	About: "an execution of `nmap`, `tcpdump`, `nc`, `socat`, `masscan`, `dig` and the like that the profile does not allow",
	Blind: "the same done by an interpreter; its connections and sockets are judged",
	Kinds: executions,
	Broken: func(a Act) bool {
		return networkTools.runs(a.Event)
	},
}

var networkTools = namesOf(
	"nmap", "masscan", "zmap", "tcpdump", "tshark", "dumpcap", "ngrep", "nc", "ncat", "netcat", "nc.openbsd", "nc.traditional", "socat", "hping3", "arp-scan", "arping", "dig", "nslookup", "host", "traceroute", "mtr", "ettercap", "dsniff", "proxychains", "chisel", "frpc", "ligolo",
)
