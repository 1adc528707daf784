package builtin

import (
	"bobwatch/internal/rule"
)

// handleOpen: a handle leads to any file of the file system, also outside of the container's root.
var handleOpen = Rule{
	ID:    rule.HandleOpen,
	About: "`open_by_handle_at` by a container with an image",
	Blind: "which file: the open itself is judged by the profile",
	Kinds: calls,
	Calls: []string{"open_by_handle_at"},
	Broken: func(a Act) bool {
		return a.Container.Image
	},
}
