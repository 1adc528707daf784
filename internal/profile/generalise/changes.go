package generalise

import "bobwatch/internal/profile"

// generaliseChanges does for changes what generaliseOpens does for opens: the
// same names vary. The acts of a path take the place of its flags.
func generaliseChanges(changes []profile.Change, t Thresholds) []profile.Change {
	opens := make([]profile.Open, len(changes))
	for i, c := range changes {
		opens[i] = profile.Open{Path: c.Path, Flags: c.Acts}
	}
	return ChangesOf(generaliseOpens(opens, t))
}

// ChangesOf returns the entries of a PathSet whose flags are acts.
func ChangesOf(opens []profile.Open) []profile.Change {
	changes := make([]profile.Change, len(opens))
	for i, o := range opens {
		changes[i] = profile.Change{Path: o.Path, Acts: o.Flags}
	}
	return profile.NormaliseChanges(changes)
}
