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
		return a.Container.Image && escapeTools.runs(a.Event)
	},
}

var escapeTools = namesOf(
	"nsenter", "debugfs", "ctr", "crictl", "nerdctl", "docker", "podman", "runc", "crun", "unshare", "capsh", "deepce", "cdk", "amicontained", "botb", "kdigger", "peirates",
)
