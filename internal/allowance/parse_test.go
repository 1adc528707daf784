package allowance

import "testing"

// What an allow command cannot be is not guessed at.
func TestParseAllowRefuses(t *testing.T) {
	const workload = "bobctl allow --workload a/b/c "
	tests := map[string]string{
		"empty":               "",
		"another program":     "rm allow --workload a/b/c --syscall dup",
		"another command":     "bobctl patch --syscall dup",
		"a file":              workload + "--syscall dup --file /etc/bobwatch/profiles/vendor.yaml",
		"an argument":         workload + "--syscall dup x",
		"a second command":    workload + "--syscall dup; reboot",
		"a variable":          workload + "--open $HOME --flags O_RDONLY",
		"a command's output":  workload + "--open `id` --flags O_RDONLY",
		"an open quote":       workload + "--open '/x --flags O_RDONLY",
		"an open C quote":     workload + "--open $'/x --flags O_RDONLY",
		"an unknown escape":   workload + `--open $'\x41' --flags O_RDONLY`,
		"a short escape":      workload + `--open $'\1' --flags O_RDONLY`,
		"a large escape":      workload + `--open $'\777' --flags O_RDONLY`,
		"a double quote":      workload + `--open "/x" --flags O_RDONLY`,
		"a home directory":    workload + "--open ~/x --flags O_RDONLY",
		"no UTF-8":            workload + `--open $'/\377' --flags O_RDONLY`,
		"every workload":      "bobctl allow --syscall dup",
		"a call that is none": workload + "--syscall dupe",
	}
	for name, command := range tests {
		t.Run(name, func(t *testing.T) {
			if p, err := Parse(command); err == nil {
				t.Errorf("parseAllow(%q) = %v, want an error", command, p.Spec)
			}
		})
	}
}
