package profile

import (
	"slices"

	"bobwatch/internal/glob"
)

// Unused returns the system calls, executions, opens and directories of a that no act in
// seen used, by container; none if all were used. seen holds the observed acts of a
// workload. Containers that seen does not have are returned whole.
//
// An entry was used if it allows an observed act, or part of one: a pattern if it
// matches any path, and a pattern of seen, which stands for several acts, if one of
// these is allowed. System calls are compared by family, and /bin
// and /usr/bin are one place, as for a Matcher with MergedUsr.
func Unused(a, seen *Profile) []Container {
	a, seen = Normalise(a), Normalise(seen)
	var unused []Container
	for _, c := range a.Spec.Containers {
		acts := Container{Name: c.Name, Type: c.Type}
		for _, other := range seen.Spec.Containers {
			if other.Type == c.Type && (other.Name == c.Name || c.Name == "") {
				acts = MergeContainers(acts, other)
			}
		}
		rest := Container{
			Name:     c.Name,
			Type:     c.Type,
			Syscalls: lackingSyscalls(acts.Syscalls, c.Syscalls),
			Execs:    unusedExecs(c.Execs, acts.Execs),
			Opens:    unusedOpens(c.Opens, acts.Opens),

			Directories: unusedDirectories(c.Directories, &acts),
		}
		if !rest.allowsNothing() {
			unused = append(unused, rest)
		}
	}
	return unused
}

func execPath(e Exec) string { return e.Path }

func openPath(o Open) string { return o.Path }

func unusedExecs(execs, seen []Exec) []Exec {
	return unusedEntries(execs, seen, execPath, execPath, func(e, act Exec) bool {
		return coversExecArgs(e, act) || coversExecArgs(act, e)
	})
}

func unusedOpens(opens, seen []Open) []Open {
	return unusedEntries(opens, seen, openPath, openPath, func(o, act Open) bool {
		wanted := AccessOf(act.Flags)
		return wanted == 0 || AccessOf(o.Flags)&wanted != 0
	})
}

// unusedDirectories returns the directories without a file that was opened.
func unusedDirectories(directories []Directory, seen *Container) []Directory {
	acts := slices.Concat(seen.Opens, seen.DirectoryOpens())
	return unusedEntries(directories, acts, func(d Directory) string { return d.Path }, openPath, func(d Directory, act Open) bool {
		return d.Access()&AccessOf(act.Flags) != 0
	})
}

// unusedEntries returns the entries without an act whose path they cover or
// that covers theirs, and with which they agree.
func unusedEntries[E, A any](entries []E, acts []A, path func(E) string, actPath func(A) string, agree func(entry E, act A) bool) []E {
	used := make([]bool, len(entries))
	index := glob.NewIndex(true, len(entries), func(i int) string { return path(entries[i]) })
	for _, act := range acts {
		index.Covering(actPath(act), func(i int) bool {
			used[i] = used[i] || agree(entries[i], act)
			return false
		})
	}
	index = glob.NewIndex(true, len(acts), func(j int) string { return actPath(acts[j]) })
	var unused []E
	for i, entry := range entries {
		if !used[i] {
			index.Covering(path(entry), func(j int) bool {
				used[i] = agree(entry, acts[j])
				return used[i]
			})
		}
		if !used[i] {
			unused = append(unused, entry)
		}
	}
	return unused
}
