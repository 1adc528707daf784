package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUnused(t *testing.T) {
	opens := func(paths ...string) Container {
		c := Container{Name: "web"}
		for _, path := range paths {
			path, flags, _ := strings.Cut(path, " ")
			c.Opens = append(c.Opens, Open{Path: path, Flags: strings.Fields(flags)})
		}
		return c
	}
	execs := func(commands ...string) Container {
		c := Container{Name: "web"}
		for _, command := range commands {
			words := strings.Fields(command)
			c.Execs = append(c.Execs, Exec{Path: words[0], Args: words[1:]})
		}
		return c
	}
	calls := func(names ...string) Container {
		return Container{Name: "web", Syscalls: map[string][]string{"amd64": names}}
	}
	tests := map[string]struct{ allowed, seen, want Container }{
		"a literal":                {opens("/a O_RDONLY"), opens("/a O_RDONLY"), opens()},
		"another path":             {opens("/a O_RDONLY"), opens("/b O_RDONLY"), opens("/a O_RDONLY")},
		"a pattern for a path":     {opens("/srv/⋯ O_RDONLY", "/etc/* O_RDONLY"), opens("/srv/a O_RDONLY"), opens("/etc/* O_RDONLY")},
		"paths of a pattern":       {opens("/srv/a O_RDONLY", "/srv/b/c O_RDONLY"), opens("/srv/⋯ O_RDONLY"), opens("/srv/b/c O_RDONLY")},
		"some of the access":       {opens("/a O_RDWR"), opens("/a O_RDONLY"), opens()},
		"none of the access":       {opens("/a O_WRONLY"), opens("/a O_RDONLY"), opens("/a O_WRONLY")},
		"a lookup":                 {opens("/a O_WRONLY"), opens("/a O_PATH"), opens()},
		"one place after a merge":  {execs("/bin/cat cat"), execs("/usr/bin/cat cat"), execs()},
		"a family":                 {calls("open", "gettid"), calls("openat"), calls("gettid")},
		"arguments of a pattern":   {execs("/bin/ping ping ⋯", "/bin/ping ping -c ⋯"), execs("/bin/ping ping 10.0.0.1"), execs("/bin/ping ping -c ⋯")},
		"any arguments":            {execs("/bin/id"), execs("/bin/id id -u"), execs()},
		"another container":        {calls("read"), Container{Name: "other", Syscalls: map[string][]string{"amd64": {"read"}}}, calls("read")},
		"another architecture":     {calls("read"), Container{Name: "web", Syscalls: map[string][]string{"arm64": {"read"}}}, calls("read")},
		"nothing but what is felt": {Container{Name: "web", Capabilities: []string{"SYS_ADMIN"}}, opens(), opens()},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			document := func(c Container) *Profile { return &Profile{Spec: Spec{Containers: []Container{c}}} }
			got := Unused(document(tt.allowed), document(tt.seen))
			var want []Container
			if !tt.want.allowsNothing() {
				want = Normalise(document(tt.want)).Spec.Containers
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Unused (-want +got):\n%s", diff)
			}
		})
	}
}
