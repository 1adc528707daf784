package builtin

import "testing"

func TestDatabaseChild(t *testing.T) {
	run(t, databaseChild, tests{
		"program":    {child(exec("/bin/sh", "sh", 0), "postgres"), true},
		"grandchild": {child(exec("/bin/id", "id", 0), "sh", "postgres"), false},
		"of another": {child(exec("/bin/sh", "sh", 0), "bash"), false},
	})
}
