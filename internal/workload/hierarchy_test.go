package workload

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bobwatch/internal/testenv"

	"github.com/google/go-cmp/cmp"
)

func TestFindHierarchy(t *testing.T) {
	tests := map[string]string{
		"testdata/mountinfo-hybrid":     "/sys/fs/cgroup/unified",
		"testdata/mountinfo-unified":    "/sys/fs/cgroup",
		"testdata/mountinfo-pod":        "/host/sys/fs/cgroup",
		"testdata/mountinfo-pod-shared": "/host/sys/fs/cgroup",
		"testdata/mountinfo-pod-hybrid": "/host/sys/fs/cgroup/unified",
		"testdata/README.md":            "", // no mounts at all
		"testdata/absent":               "",
	}
	for file, want := range tests {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got, err := findHierarchy(file)
			if got != want || (err != nil) != (want == "") {
				t.Errorf("findHierarchy(%s) = %q, %v; want %q", file, got, err, want)
			}
		})
	}
}

func TestParseMountEscapes(t *testing.T) {
	line := `831 800 0:26 /../..\134x /one\040container rw - cgroup2 cgroup2 rw`
	root, point, ok := parseMount(line)
	if root != `/../..\x` || point != "/one container" || !ok {
		t.Errorf("parseMount(%q) = %q, %q, %t", line, root, point, ok)
	}
}

func FuzzParseMount(f *testing.F) {
	f.Add(`831 800 0:26 /../../other /host/one\040container rw,relatime - cgroup2 cgroup2 rw`)
	f.Add(`1 2 3 \ \4 x - cgroup2 `)
	f.Fuzz(func(t *testing.T, line string) {
		root, point, ok := parseMount(line)
		if len(root)+len(point) > len(line) || ok == (point == "") {
			t.Errorf("parseMount(%q) = %q, %q, %t", line, root, point, ok)
		}
	})
}

func TestOpenHierarchyRefuses(t *testing.T) {
	for name, root := range map[string]string{"another file system": t.TempDir(), "nothing": "/nonexistent"} {
		t.Run(name, func(t *testing.T) {
			if _, err := openHierarchy(root); err == nil {
				t.Errorf("openHierarchy(%s) gave no error", root)
			}
		})
	}
}

// makeCgroup makes the cgroups down to p in a directory of the test's own at
// the root of the real v2 hierarchy, and returns their absolute path. base is
// the own directory's path below the root.
func makeCgroup(t *testing.T, p string) (base, dir string) {
	t.Helper()
	testenv.Root(t)
	root, err := testenv.CgroupRoot()
	if err != nil {
		testenv.Skip(t, "needs cgroup v2: %v", err)
	}
	base = fmt.Sprintf("/bobwatch-%s-%d", strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")), os.Getpid())
	dir = filepath.Join(root, base, p)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeCgroups(t, filepath.Join(root, base)) })
	return base, dir
}

// removeCgroups removes empty cgroups, the deepest first.
func removeCgroups(t *testing.T, top string) {
	var dirs []string
	err := filepath.WalkDir(top, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, p)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, dir := range slices.Backward(dirs) {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	}
}

// spawnIn starts a process and moves it into the cgroup at dir.
func spawnIn(t *testing.T, dir string) uint32 {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	procs := filepath.Join(dir, "cgroup.procs")
	if err := os.WriteFile(procs, fmt.Appendf(nil, "%d", cmd.Process.Pid), 0); err != nil {
		t.Fatal(err)
	}
	return uint32(cmd.Process.Pid)
}

func TestLocalPath(t *testing.T) {
	base, dir := makeCgroup(t, "node/kubepods/pod1/web")
	id, err := inode(dir)
	if err != nil {
		t.Fatal(err)
	}
	reported := base + "/node/kubepods/pod1/web"
	node := strings.TrimSuffix(dir, "/kubepods/pod1/web")
	type result struct {
		path string
		ok   bool
	}
	tests := map[string]struct {
		root     string // of the hierarchy the agent sees; empty for all of it
		before   string // a path to translate first, from which the prefix is learnt
		id       uint64
		reported string
		want     result
	}{
		"whole hierarchy":       {"", "", id, reported, result{reported, true}},
		"gone already":          {"", "", 0, reported, result{reported, true}},
		"beginning lost":        {"", "", id, reported[3:], result{}},
		"node in a container":   {node, "", id, reported, result{"/kubepods/pod1/web", true}},
		"prefix learnt":         {node, reported, 0, base + "/node/kubepods/gone", result{"/kubepods/gone", true}},
		"of another node":       {node, reported, id, base + "/node2/kubepods/pod1/web", result{}},
		"sibling's name begins": {node, reported, id, base + "/nodes", result{}},
		"another id":            {node, "", id + 1, reported, result{}},
		"the node itself":       {node, reported, id, base + "/node", result{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h, err := openHierarchy(tt.root)
			if err != nil {
				t.Fatal(err)
			}
			if tt.before != "" {
				h.local(id, tt.before)
			}
			var got result
			got.path, got.ok = h.local(tt.id, tt.reported)
			if got != tt.want {
				t.Errorf("local(%d, %q) = %v, want %v", tt.id, tt.reported, got, tt.want)
			}
		})
	}
}

func TestPatterns(t *testing.T) {
	base, dir := makeCgroup(t, "nginx.service/system.slice/fake.service")
	service := strings.TrimSuffix(dir, "/system.slice/fake.service")
	pids := []uint32{spawnIn(t, service)}
	// Without a process now, but it may get one.
	empty := filepath.Join(filepath.Dir(service), "empty.service")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	emptyID, err := inode(empty)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Sockets: []string{}, Patterns: []string{base + "/*.service", base + "/web@blue.service"}})
	if err != nil {
		t.Fatal(err)
	}
	id, err := inode(service)
	if err != nil {
		t.Fatal(err)
	}
	slice, err := inode(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	fake, err := inode(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []Resident{{
		Container: Container{
			ID:         "empty.service",
			Runtime:    RuntimeCgroup,
			Name:       "empty",
			Owner:      Owner{KindService, "empty"},
			CgroupID:   emptyID,
			CgroupPath: base + "/empty.service",
			Running:    true,
		},
	}, {
		Container: Container{
			ID:         "nginx.service",
			Runtime:    RuntimeCgroup,
			Name:       "nginx",
			Owner:      Owner{KindService, "nginx"},
			CgroupID:   id,
			CgroupPath: base + "/nginx.service",
			Running:    true,
		},
		PIDs:   pids,
		Nested: []uint64{slice, fake},
	}}
	got, err := r.Running(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Running() differs (-want +got):\n%s", diff)
	}
	tests := map[string]struct {
		path string
		want string // the owner's name; empty if the cgroup is nobody's
	}{
		"service":         {base + "/nginx.service", "nginx"},
		"instance":        {base + "/getty@tty1.service", "getty@"},
		"named instance":  {base + "/web@blue.service", "web@blue"},
		"other instance":  {base + "/web@green.service", "web@"},
		"nested":          {base + "/nginx.service/system.slice/fake.service", ""},
		"other directory": {"/other" + base + "/nginx.service", ""},
		"slice":           {base + "/nginx.slice", ""},
		"beginning lost":  {"nginx.service", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, ok, err := r.Resolve(t.Context(), 7, tt.path)
			if err != nil || c.Owner.Name != tt.want || ok != (tt.want != "") {
				t.Errorf("Resolve(%q) = %q, %t, %v; want %q", tt.path, c.Owner.Name, ok, err, tt.want)
			}
		})
	}
}

func TestPatternsOfContainers(t *testing.T) {
	tests := map[string]Container{
		"/docker/" + hexID: {
			ID: hexID, Name: hexID, Owner: Owner{KindContainer, hexID},
		},
		"/system.slice/docker-" + hexID + ".scope": {
			ID: hexID, Name: hexID, Owner: Owner{KindContainer, hexID},
		},
		"/machine.slice": {
			ID: "machine.slice", Name: "machine.slice", Owner: Owner{KindContainer, "machine.slice"},
		},
	}
	for p, want := range tests {
		want.Runtime, want.CgroupID, want.CgroupPath = RuntimeCgroup, 7, p
		if diff := cmp.Diff(want, unitContainer(7, p)); diff != "" {
			t.Errorf("unitContainer(%s) differs (-want +got):\n%s", p, diff)
		}
	}
}

func TestNewRefusesPatterns(t *testing.T) {
	for _, pattern := range []string{"", "relative/*", "/[", "/a["} {
		if _, err := New(Options{Sockets: []string{}, Patterns: []string{pattern}}); err == nil {
			t.Errorf("New took the pattern %q", pattern)
		}
	}
}
