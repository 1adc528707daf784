package workload

import (
	"strings"
	"testing"
)

const (
	hexID  = "3f2c1a9be0d4f5a6978812345678abcdef0123456789abcdef0123456789abcd"
	podUID = "0b1c2d3e-4f50-4a6b-8c7d-9e0f1a2b3c4d"
	// systemdUID is podUID as the kubelet escapes it in slices.
	systemdUID = "0b1c2d3e_4f50_4a6b_8c7d_9e0f1a2b3c4d"
)

func TestCandidate(t *testing.T) {
	tests := map[string]struct {
		path string
		want string
	}{
		"cgroupfs driver": {
			"/kubepods/burstable/pod" + podUID + "/" + hexID, hexID,
		},
		"cgroupfs driver, guaranteed": {
			"/kubepods/pod" + podUID + "/" + hexID, hexID,
		},
		"systemd driver, k3s": {
			"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + systemdUID + ".slice/cri-containerd-" + hexID + ".scope",
			hexID,
		},
		"kind": {
			"/docker/" + hexID + "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + systemdUID + ".slice/cri-containerd-" + hexID + ".scope",
			hexID,
		},
		"cri-o":                {"/kubepods.slice/crio-" + hexID + ".scope", hexID},
		"crun's subgroup":      {"/kubepods.slice/crio-" + hexID + ".scope/container", hexID},
		"cri-o's monitor":      {"/kubepods.slice/crio-conmon-" + hexID + ".scope", "conmon-" + hexID}, // no record has it
		"docker, cgroupfs":     {"/docker/" + hexID, hexID},
		"docker, systemd":      {"/system.slice/docker-" + hexID + ".scope", hexID},
		"podman":               {"/machine.slice/libpod-" + hexID + ".scope", hexID},
		"nerdctl":              {"/default/" + hexID, hexID},
		"nerdctl, systemd":     {"/system.slice/nerdctl-" + hexID + ".scope", hexID},
		"ctr":                  {"/default/web-1.2_x", "web-1.2_x"},
		"a container's name":   {"/default/container", "container"},
		"another scope":        {"/machine.slice/machine-web-1.scope", "web-1"},
		"cgroup namespace":     {"/../burstable/pod" + podUID + "/" + hexID, hexID},
		"beginning lost":       {"truncated:/pod" + podUID + "/" + hexID, hexID},
		"only the name left":   {hexID, hexID},
		"pod, cgroupfs":        {"/kubepods/besteffort/pod" + podUID, ""},
		"static pod":           {"/kubepods/burstable/pod" + strings.ReplaceAll(podUID, "-", ""), ""},
		"pod, systemd":         {"/kubepods.slice/kubepods-pod" + systemdUID + ".slice", ""},
		"class of pods":        {"/kubepods/besteffort", ""},
		"slice":                {"/kubepods.slice/kubepods-besteffort.slice", ""},
		"service":              {"/system.slice/nginx.service", ""},
		"session":              {"/user.slice/user-0.slice/session-3.scope", "3"},
		"init":                 {"/init.scope", ""},
		"root":                 {"/", ""},
		"empty":                {"", ""},
		"newline":              {"/default/a\nb", ""},
		"invalid UTF-8":        {"/default/\xff\xfe", ""},
		"parent":               {"/default/..", ""},
		"doubled separator":    {"/default/a--b", ""},
		"longer than any ID":   {"/default/" + strings.Repeat("a", maxIDLength+1), ""},
		"scope without a name": {"/system.slice/docker-.scope", ""},
		"scope of a bad name":  {"/x/docker-" + strings.Repeat("/", 3) + ".scope", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := candidate(tt.path); got != tt.want {
				t.Errorf("candidate(%q) = %q, want %q", tt.path, got, tt.want)
			}
		})
	}
}

func TestRecordedPath(t *testing.T) {
	tests := map[string]struct {
		cgroupsPath string
		want        string // empty: an error
	}{
		"cgroupfs driver": {
			"/kubepods/burstable/pod" + podUID + "/" + hexID,
			"/kubepods/burstable/pod" + podUID + "/" + hexID,
		},
		"systemd driver": {
			"kubepods-burstable-pod" + systemdUID + ".slice:cri-containerd:" + hexID,
			"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + systemdUID + ".slice/cri-containerd-" + hexID + ".scope",
		},
		"kind": {
			"kubelet-kubepods-pod" + systemdUID + ".slice:cri-containerd:" + hexID,
			"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + systemdUID + ".slice/cri-containerd-" + hexID + ".scope",
		},
		"docker, systemd":      {"system.slice:docker:" + hexID, "/system.slice/docker-" + hexID + ".scope"},
		"no slice":             {":runc:x", "/system.slice/runc-x.scope"},
		"root slice":           {"-.slice:runc:x", "/runc-x.scope"},
		"no prefix":            {"a.slice::x", "/a.slice/x.scope"},
		"a slice as container": {"a.slice:runc:a-x.slice", "/a.slice/a-x.slice"},
		"relative":             {"default/web", "/default/web"},
		"climbing":             {"/default/../../web", "/web"},
		"colons in a path":     {"/a:b:c", "/a:b:c"},
		"the root":             {"/", ""},
		"empty":                {"", ""},
		"not a slice":          {"a.service:runc:x", ""},
		"empty part":           {"a--b.slice:runc:x", ""},
		"no name":              {"a.slice:runc:", ""},
		"endless":              {"/" + strings.Repeat("a", maxPath), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := recordedPath(tt.cgroupsPath)
			if got != tt.want || (err != nil) != (tt.want == "") {
				t.Errorf("recordedPath(%q) = %q, %v; want %q", tt.cgroupsPath, got, err, tt.want)
			}
		})
	}
}

func FuzzCandidate(f *testing.F) {
	f.Add("/kubepods/burstable/pod" + podUID + "/" + hexID)
	f.Add("/kubepods.slice/crio-" + hexID + ".scope/container")
	f.Add("/machine.slice/machine-web-1.scope")
	f.Fuzz(func(t *testing.T, p string) {
		id := candidate(p)
		if id != "" && (identifier(id) != id || !strings.Contains(p, id)) {
			t.Errorf("candidate(%q) = %q, not an identifier in it", p, id)
		}
	})
}

func FuzzRecordedPath(f *testing.F) {
	f.Add("kubepods-burstable-pod" + systemdUID + ".slice:cri-containerd:" + hexID)
	f.Add("/kubepods/../..//x")
	f.Fuzz(func(t *testing.T, cgroupsPath string) {
		p, err := recordedPath(cgroupsPath)
		if err != nil {
			return
		}
		if !strings.HasPrefix(p, "/") || p == "/" {
			t.Errorf("recordedPath(%q) = %q, want an absolute path below the root", cgroupsPath, p)
		}
		for part := range strings.SplitSeq(p, "/") {
			if part == ".." {
				t.Errorf("recordedPath(%q) = %q, which climbs", cgroupsPath, p)
			}
		}
	})
}
