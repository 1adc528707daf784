package export

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
)

// readProfiles reads the profiles of another package's test data, which were
// recorded from real workloads.
func readProfiles(t *testing.T) []*profile.Profile {
	t.Helper()
	files, err := filepath.Glob("../profile/testdata/kubescape/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d profiles, %v", len(files), err)
	}
	var all []*profile.Profile
	for _, file := range files {
		if strings.Contains(file, "template") || strings.Contains(file, "rejected") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		profiles, err := documents.Parse(file, data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, profiles...)
	}
	return all
}

func TestContainerSelection(t *testing.T) {
	p := &profile.Profile{Spec: profile.Spec{Containers: []profile.Container{
		{Name: "web", Syscalls: map[string][]string{"amd64": {"read"}}},
		{Name: "", Syscalls: map[string][]string{"amd64": {"write"}}},
		{Name: "log", Syscalls: map[string][]string{"amd64": {"bpf"}}},
	}}}
	c, err := container(p, "web")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Syscalls["amd64"], ","); got != "read,write" {
		t.Errorf("container web may call %s, want its own calls and those of any container", got)
	}
	for _, name := range []string{"", "nobody\n"} {
		got := &profile.Profile{Spec: profile.Spec{Containers: p.Spec.Containers[2:]}}
		if name == "" {
			got = p
		}
		if _, err := container(got, name); err == nil || !strings.Contains(err.Error(), `"log"`) {
			t.Errorf("container(%q) = %v, want an error that names the containers", name, err)
		}
	}
	p.Spec.Parameters = []profile.Parameter{{Name: "x", Kind: profile.ParameterPort}}
	if _, err := container(p, "web"); err == nil {
		t.Error("a document with unbound parameters was exported")
	}
}

func TestObjectName(t *testing.T) {
	tests := map[string]struct{ document, container, want string }{
		"both":     {"Web_App.v1", "nginx", "web-app-v1-nginx"},
		"hostile":  {"x {\n}", "../..", "x"},
		"nothing":  {"⋯", "", "bobwatch"},
		"too long": {strings.Repeat("a", 62) + "-b", "c", strings.Repeat("a", 62)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := &profile.Profile{Metadata: profile.Metadata{Name: tt.document}}
			if got := objectName(p, &profile.Container{Name: tt.container}); got != tt.want {
				t.Errorf("objectName(%q, %q) = %q, want %q", tt.document, tt.container, got, tt.want)
			}
		})
	}
}
