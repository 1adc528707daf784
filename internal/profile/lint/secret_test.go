package lint

import (
	"strings"
	"testing"

	"bobwatch/internal/profile"
)

func TestSecrets(t *testing.T) {
	p := &profile.Profile{Spec: profile.Spec{Containers: []profile.Container{{Name: "db", Execs: []profile.Exec{
		{Path: "/bin/app", Args: []string{"app", "--token", "hunter2", "--password=⋯", "--secret=$(db)"}},
		{Path: "/bin/app", Args: []string{"app", "postgres://joe:hunter2@db/x"}, Envs: []string{"PGPASSWORD=hunter2", "HOME=/root"}},
	}}}}}
	found, err := Secrets(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range found {
		got = append(got, w.Field)
		if strings.Contains(w.Message, "hunter2") {
			t.Errorf("the credential is repeated: %s", w)
		}
	}
	want := "spec.containers[0].execs[0].args[2] spec.containers[0].execs[1].args[1] spec.containers[0].execs[1].envs[0]"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
