package listing

import (
	"fmt"
	"io"
	"strings"

	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

// Difference is the form of a difference for machines.
type Difference struct {
	RemovedSenses []profile.Sense       `json:"removedSenses,omitempty"` // only OLD speaks for them
	AddedSenses   []profile.Sense       `json:"addedSenses,omitempty"`   // only NEW speaks for them
	Containers    []ContainerDifference `json:"containers"`
}

// ContainerDifference is the part about one container.
type ContainerDifference struct {
	Name    string                `json:"name"`
	Type    profile.ContainerType `json:"type,omitempty"`
	Removed profile.Container     `json:"removed"` // only OLD allows
	Added   profile.Container     `json:"added"`   // only NEW allows
}

// WriteDifference writes a difference for people.
func WriteDifference(t *term.Terminal, out io.Writer, d *profile.Difference) {
	for line := range strings.Lines(d.String()) {
		fmt.Fprintln(out, t.Colour(diffColour(line), strings.TrimSuffix(line, "\n")))
	}
}

// diffColour tells the lines of a difference apart by their beginning.
func diffColour(line string) string {
	switch {
	case strings.HasPrefix(line, "  - "):
		return term.Red
	case strings.HasPrefix(line, "  + "):
		return term.Green
	case strings.HasPrefix(line, "  "):
		return term.Cyan
	}
	return term.Bold
}
