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
	type result struct {
		id     string
		likely bool
	}
	tests := map[string]struct {
		path string
		want result
	}{
		"cgroupfs driver": {
			"/kubepods/burstable/pod" + podUID + "/" + hexID, result{hexID, true},
		},
		"cgroupfs driver, guaranteed": {
			"/kubepods/pod" + podUID + "/" + hexID, result{hexID, true},
		},
		"systemd driver, k3s": {
			"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + systemdUID + ".slice/cri-containerd-" + hexID + ".scope",
			result{hexID, true},
		},
		"kind": {
			"/docker/" + hexID + "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + systemdUID + ".slice/cri-containerd-" + hexID + ".scope",
			result{hexID, true},
		},
		"cri-o":               {"/kubepods.slice/crio-" + hexID + ".scope", result{hexID, true}},
		"crun's subgroup":     {"/kubepods.slice/crio-" + hexID + ".scope/container", result{hexID, true}},
		"docker, cgroupfs":    {"/docker/" + hexID, result{hexID, true}},
		"docker, systemd":     {"/system.slice/docker-" + hexID + ".scope", result{hexID, true}},
		"podman":              {"/machine.slice/libpod-" + hexID + ".scope", result{hexID, true}},
		"nerdctl":             {"/default/" + hexID, result{hexID, true}},
		"nerdctl, systemd":    {"/system.slice/nerdctl-" + hexID + ".scope", result{hexID, true}},
		"ctr":                 {"/default/web-1.2_x", result{"web-1.2_x", false}},
		"a container's name":  {"/default/container", result{"container", false}},
		"another scope":       {"/machine.slice/machine-web-1.scope", result{"web-1", false}},
		"cgroup namespace":    {"/../burstable/pod" + podUID + "/" + hexID, result{hexID, true}},
		"beginning lost":      {"truncated:/pod" + podUID + "/" + hexID, result{hexID, true}},
		"only the name left":  {hexID, result{hexID, true}},
		"pod, cgroupfs":       {"/kubepods/besteffort/pod" + podUID, result{}},
		"static pod":          {"/kubepods/burstable/pod" + strings.ReplaceAll(podUID, "-", ""), result{}},
		"pod, systemd":        {"/kubepods.slice/kubepods-pod" + systemdUID + ".slice", result{}},
		"class of pods":       {"/kubepods/besteffort", result{}},
		"slice":               {"/kubepods.slice/kubepods-besteffort.slice", result{}},
		"service":             {"/system.slice/nginx.service", result{}},
		"session":             {"/user.slice/user-0.slice/session-3.scope", result{"3", false}},
		"init":                {"/init.scope", result{}},
		"root":                {"/", result{}},
		"empty":               {"", result{}},
		"newline":             {"/default/a\nb", result{}},
		"invalid UTF-8":       {"/default/\xff\xfe", result{}},
		"parent":              {"/default/..", result{}},
		"doubled separator":   {"/default/a--b", result{}},
		"longer than any ID":  {"/default/" + strings.Repeat("a", maxIDLength+1), result{}},
		"scope of a bad name": {"/x/docker-" + strings.Repeat("/", 3) + ".scope", result{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			id, likely := candidate(tt.path)
			if got := (result{id, likely}); got != tt.want {
				t.Errorf("candidate(%q) = %v, want %v", tt.path, got, tt.want)
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
		id, likely := candidate(p)
		if id == "" && likely {
			t.Errorf("candidate(%q) is likely and empty", p)
		}
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
