package yamlfile

import (
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// aliasExpander replaces aliases by the values of their anchors, so that no reader has to
// know them. The nodes are shared, not copied; their count
// and depth are bounded as if they were copied.
type aliasExpander struct {
	entries int
	anchors map[string]anchored
}

// anchored is the value of an anchor, and the cost of one more use of it.
type anchored struct {
	value   ast.Node
	entries int
	depth   int
}

func (e *aliasExpander) document(n ast.Node) (ast.Node, error) {
	e.anchors = make(map[string]anchored) // an anchor's scope is its document
	expanded, _, err := e.expand(n, 0)
	return expanded, err
}

// expand returns n without aliases, and its height: the levels below it.
// depth is the number of levels above.
func (e *aliasExpander) expand(n ast.Node, depth int) (_ ast.Node, height int, err error) {
	if depth > MaxDepth {
		return nil, 0, tooDeep()
	}
	switch n := n.(type) {
	case *ast.AnchorNode:
		return e.anchor(n, depth)
	case *ast.AliasNode:
		return e.alias(n, depth)
	case *ast.TagNode:
		n.Value, height, err = e.expand(n.Value, depth+1)
		return n, height, err
	case *ast.MappingValueNode:
		height, err = e.pair(n, depth)
		return n, height, err
	case *ast.MappingNode:
		for _, pair := range n.Values {
			below, err := e.pair(pair, depth)
			if err != nil {
				return nil, 0, err
			}
			height = max(height, below)
		}
	case *ast.SequenceNode:
		for i := range n.Values {
			var below int
			if n.Values[i], below, err = e.expand(n.Values[i], depth+1); err != nil {
				return nil, 0, err
			}
			if err := e.count(1); err != nil {
				return nil, 0, err
			}
			height = max(height, below+1)
		}
	}
	return n, height, nil
}

func (e *aliasExpander) pair(n *ast.MappingValueNode, depth int) (height int, err error) {
	if n.Key.IsMergeKey() {
		return 0, &yaml.SyntaxError{Message: "merge keys are not read: write the keys out", Token: n.Key.GetToken()}
	}
	n.Value, height, err = e.expand(n.Value, depth+1)
	if err != nil {
		return 0, err
	}
	return height + 1, e.count(1)
}

func (e *aliasExpander) anchor(n *ast.AnchorNode, depth int) (ast.Node, int, error) {
	before := e.entries
	value, height, err := e.expand(n.Value, depth+1)
	if err != nil {
		return nil, 0, err
	}
	e.anchors[n.Name.GetToken().Value] = anchored{value: value, entries: e.entries - before, depth: height}
	return value, height, nil
}

func (e *aliasExpander) alias(n *ast.AliasNode, depth int) (ast.Node, int, error) {
	name := n.Value.GetToken().Value
	anchor, ok := e.anchors[name]
	if !ok {
		return nil, 0, &yaml.SyntaxError{Message: fmt.Sprintf("alias %q names no anchor before it", name), Token: n.GetToken()}
	}
	if depth+anchor.depth > MaxDepth {
		return nil, 0, tooDeep()
	}
	return anchor.value, anchor.depth, e.count(anchor.entries)
}

func (e *aliasExpander) count(entries int) error {
	e.entries += entries
	if e.entries > MaxEntries {
		return tooManyEntries()
	}
	return nil
}
