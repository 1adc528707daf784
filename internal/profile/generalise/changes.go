package generalise

import (
	"slices"

	"bobwatch/internal/profile"
)

// generaliseChanges does for changes what generaliseOpens does for opens: the
// same names vary. The acts of a path take the place of its flags. A file that the
// workload renames, removes or gives a mode is its own, as if it had made the file.
func generaliseChanges(changes []profile.Change, t Thresholds) []profile.Change {
	opens := make([]profile.Open, len(changes))
	for i, c := range changes {
		opens[i] = profile.Open{Path: c.Path, Flags: append(slices.Clone(c.Acts), FlagCreated)}
	}
	return ChangesOf(generaliseOpens(opens, t))
}

// ChangesOf returns the entries of a PathSet whose flags are acts.
func ChangesOf(opens []profile.Open) []profile.Change {
	changes := make([]profile.Change, len(opens))
	for i, o := range opens {
		changes[i] = profile.Change{Path: o.Path, Acts: slices.DeleteFunc(slices.Clone(o.Flags), isCreated)}
	}
	return profile.NormaliseChanges(changes)
}

func isCreated(flag string) bool { return flag == FlagCreated }
