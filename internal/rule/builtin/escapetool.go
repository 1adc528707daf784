package builtin

import (
	"bobwatch/internal/rule"
)

// escapeTool: these programs enter namespaces, read disks and command container runtimes.
var escapeTool = Rule{
	ID:    rule.EscapeTool,
	About: "an execution of `nsenter`, `debugfs`, `ctr`, `crictl`, `docker`, `runc` and the like by a container with an image",
	Blind: "the same done by programs of the attacker; their calls and sockets are judged",
	Kinds: executions,
	Broken: func(a Act) bool {
		return a.Container.Image && (escapeTools.runs(a.Event) || containerKits.runs(a.Event) && kitCommands.hasArgument(a.Event.Args))
	},
}

var escapeTools = namesOf(
	"nsenter", "debugfs", "ctr", "crictl", "nerdctl", "docker", "podman", "runc", "crun", "unshare", "capsh", "deepce", "amicontained", "botb", "kdigger", "peirates",
)

// containerKits are called as the AWS CDK is, which has other commands.
var containerKits, kitCommands = namesOf("cdk"), namesOf("evaluate", "eva", "run", "auto-escape")
