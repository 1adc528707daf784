package allowance

import (
	"encoding/json"
	"testing"

	"bobwatch/internal/alert"
)

// What an alert cannot ask for is not guessed at.
func TestFromRefuses(t *testing.T) {
	const workload = `{"workload": {"namespace": "a", "kind": "b", "name": "c"}, "container": `
	tests := map[string]string{
		"nothing":             `{}`,
		"no act":              workload + `{"name": "web"}}`,
		"every workload":      `{"container": {"syscalls": {"amd64": ["dup"]}}}`,
		"no architecture":     workload + `{"syscalls": {"z80": ["dup"]}}}`,
		"a type that is none": workload + `{"type": "sidecar", "syscalls": {"amd64": ["dup"]}}}`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			var a alert.Allowance
			if err := json.Unmarshal([]byte(text), &a); err != nil {
				t.Fatal(err)
			}
			if p, err := From(&a); err == nil {
				t.Errorf("From(%s) = %v, want an error", text, p.Spec)
			}
		})
	}
}
