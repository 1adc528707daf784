package sensor

import "testing"

func TestWithoutVarRun(t *testing.T) {
	tests := map[string]string{
		"/var/run/apache2/apache2.pid": "/run/apache2/apache2.pid",
		"/var/lock/x":                  "/run/lock/x",
		"/var/runner/x":                "/var/runner/x",
		"/run/x":                       "/run/x",
	}
	for name, want := range tests {
		if got := string(withoutVarRun([]byte(name))); got != want {
			t.Errorf("withoutVarRun(%s) = %s, want %s", name, got, want)
		}
	}
}
