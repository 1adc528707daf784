package kubernetes

import (
	"strings"

	"bobwatch/internal/profile"
	"bobwatch/internal/sensitive"
)

// widened returns a path that allows a sensitive place by a wildcard, empty if
// there is none. No agent learns such a path.
func widened(c *profile.Container) string {
	var paths []string
	for _, o := range c.Opens {
		paths = append(paths, o.Path)
	}
	for _, change := range c.Changes {
		paths = append(paths, change.Path)
	}
	for _, path := range paths {
		segments := strings.Split(path, "/")
		if len(segments) > 1 && sensitive.Widens(segments, sensitive.NoSegment) {
			return path
		}
	}
	return ""
}
