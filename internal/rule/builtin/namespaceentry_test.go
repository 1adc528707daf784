package builtin

import "testing"

func TestNamespaceEntry(t *testing.T) {
	run(t, namespaceEntry, tests{
		"call":        {call(), true},
		"on the node": {onNode(call()), false},
	})
}
