package kubernetes

import (
	"strings"

	"bobwatch/internal/profile"
	"bobwatch/internal/sensitive"
)

// widened returns a path that allows a sensitive place by a wildcard, empty if
// there is none. No agent learns such a path.
func widened(c *profile.Container) string {
	for _, o := range c.Opens {
		segments := strings.Split(o.Path, "/")
		if len(segments) > 1 && sensitive.Widens(segments, sensitive.NoSegment) {
			return o.Path
		}
	}
	return ""
}
