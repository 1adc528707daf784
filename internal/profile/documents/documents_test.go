package documents

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/yamlfile"
)

// bill begins a Bill of Behavior of one container, whose fields follow, indented by four.
const bill = `apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: web}
spec:
  containers:
  - name: web
`

func only(tb testing.TB, text string) *profile.Profile {
	tb.Helper()
	profiles, err := Parse("test.yaml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	if len(profiles) != 1 {
		tb.Fatalf("Parse returned %d documents, want 1", len(profiles))
	}
	return profiles[0]
}

// TestRedisProfilesCoverOneAnother reads what Kubescape learned of one redis
// chart on three kinds of cluster. With families the lists are nearly one; the
// names left are what a user who takes one profile to another cluster would be
// told about.
func TestRedisProfilesCoverOneAnother(t *testing.T) {
	profiles := make(map[string]*profile.Profile)
	for _, cluster := range []string{"k3s", "kind", "minikube"} {
		name := "ap-redis-" + cluster + ".yaml"
		text, err := os.ReadFile(filepath.Join("..", "testdata", "kubescape", name))
		if err != nil {
			t.Fatal(err)
		}
		profiles[cluster] = only(t, string(text))
	}
	// mount and its family are the runtime's own steps, which bobwatch tells
	// apart and Kubescape does not.
	tests := map[string]struct {
		learned, run string
		want         []string
	}{
		"kind on k3s":     {"kind", "k3s", []string{"gettid", "sched_yield"}},
		"kind on mini":    {"kind", "minikube", []string{"chmod", "link", "sched_yield", "symlink", "utimensat"}},
		"k3s on kind":     {"k3s", "kind", []string{"mount"}},
		"k3s on minikube": {"k3s", "minikube", []string{"chmod", "link", "mount", "symlink", "utimensat"}},
		"minikube on k3s": {"minikube", "k3s", []string{"gettid"}},
		"mini on kind":    {"minikube", "kind", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range profile.Covers(profiles[tt.learned], profiles[tt.run]) {
				got = append(got, c.Syscalls["amd64"]...)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("new to what %s learned, on %s (-want +got):\n%s", tt.learned, tt.run, diff)
			}
			if len(got) > 5 {
				t.Errorf("%d names, want at most 5: %v", len(got), got)
			}
		})
	}
}

// TestFormatDocumentation reads the example that people will copy.
func TestFormatDocumentation(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "profile-format.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```yaml\n")
	example, _, found := strings.Cut(example, "```")
	if !found {
		t.Fatal("no example")
	}
	p := only(t, example)
	m, err := match.Compile(p.Spec.Containers, match.Options{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Exec([]byte("/usr/bin/dash"), []byte("sh\x00-c\x00ping -c 4 8.8.8.8; id\x00")); got != match.DetailUnknown {
		t.Errorf("an injected command: %d, want %d", got, match.DetailUnknown)
	}
	if _, err := profile.Bind(p, nil); err != nil {
		t.Error(err)
	}
	for _, limit := range []string{"16 MiB", "500,000", "| MaxDepth | 64 |"} {
		if !strings.Contains(string(page), limit) {
			t.Errorf("the page does not name the limit %s", limit)
		}
	}
	if yamlfile.MaxInputBytes != 16<<20 || yamlfile.MaxEntries != 500_000 || yamlfile.MaxDepth != 64 {
		t.Error("the page names other limits")
	}
}

func TestParseManyDocuments(t *testing.T) {
	text := bill + "---\n" + strings.Replace(bill, "{name: web}", "{name: other}", 1) +
		"---\napiVersion: spdx.softwarecomposition.kubescape.io/v1beta1\nkind: ApplicationProfile\nmetadata: {name: third}\nspec: {containers: null}\n"
	profiles, err := Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range profiles {
		names = append(names, p.Metadata.Name)
	}
	if diff := cmp.Diff([]string{"web", "other", "third"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte((bill + "    opens: [{path: /a/⋯/*, flags: [O_RDONLY]}]\n    syscalls: {amd64: [read]}\n")))
	f.Add([]byte((bill + "    images: &a [b]\n    capabilities: *a\n")))
	f.Add([]byte(`{"apiVersion": "bobwatch/v1alpha1", "kind": "BillOfBehavior", "metadata": {"name": "x"}}`))
	f.Add([]byte("apiVersion: v1\nkind: List\nitems:\n- apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1\n  kind: ApplicationProfile\n"))
	files, err := filepath.Glob(filepath.Join("..", "testdata", "kubescape", "*.yaml"))
	if err != nil || len(files) == 0 {
		f.Fatalf("find seeds: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		profiles, err := Parse("fuzz", data)
		if err != nil {
			return
		}
		for _, p := range profiles {
			checkProfile(t, p)
		}
	})
}

// checkProfile holds what Parse returned to the laws of the document.
func checkProfile(t *testing.T, p *profile.Profile) {
	t.Helper()
	canonical, err := p.Canonical()
	if err != nil {
		t.Fatalf("Canonical: %v", err)
	}
	merged, err := profile.Merge(p, p)
	if err != nil {
		t.Fatalf("Merge with itself: %v", err)
	}
	again, err := merged.Canonical()
	if err != nil || string(again) != string(canonical) {
		t.Errorf("Merge with itself: %s\nwant %s (%v)", again, canonical, err)
	}
	if missing := profile.Covers(p, p); len(missing) > 0 {
		t.Errorf("a document does not cover itself: %s", profile.Diff(&profile.Profile{}, &profile.Profile{Spec: profile.Spec{Containers: missing}}))
	}
	if _, err := match.Compile(p.Spec.Containers, match.Options{Arch: "amd64", MergedUsr: true}); err != nil {
		t.Errorf("Compile: %v", err)
	}
	if p.Metadata.Name == "" {
		return // Kubescape's documents need no name, ours do
	}
	read, err := Parse("canonical", canonical)
	if err != nil || len(read) != 1 {
		t.Fatalf("parseDocument(%s): %d documents, %v", canonical, len(read), err)
	}
	if again, err := read[0].Canonical(); err != nil || string(again) != string(canonical) {
		t.Errorf("canonical bytes change when read back: %s\nwant %s (%v)", again, canonical, err)
	}
}
