package builtin

import (
	"bobwatch/internal/rule"
)

// namespaceEntry: the namespaces of another container or of the node hold its files, processes and network.
var namespaceEntry = Rule{
	ID:    rule.NamespaceEntry,
	About: "`setns` by a container with an image",
	Blind: "processes that share a namespace from their start on",
	Kinds: calls,
	Calls: []string{"setns"},
	Broken: func(a Act) bool {
		return a.Container.Image
	},
}
