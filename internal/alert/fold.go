package alert

import "bobwatch/internal/profile/generalise"

// foldPath replaces what changes from run to run in an opened path, as the
// learner does. A path that cannot be folded is returned as it is.
func foldPath(path string) string {
	set := generalise.NewPathSet(generalise.DefaultThresholds())
	if pattern, _, ok := set.Add(path, nil); ok {
		return pattern
	}
	return path
}

// foldArgs does the same for the arguments of a program.
func foldArgs(program string, args []string) []string {
	folded := generalise.Args(program, [][]string{args}, generalise.DefaultThresholds())
	if len(folded) != 1 {
		return args
	}
	return folded[0]
}
