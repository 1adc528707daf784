package workload

import (
	"slices"
	"strings"
	"testing"
)

// TestDistributions: what a distribution's containerd says of a container's
// cgroup, and what the kernel reports of it, are of the same container. Of what
// the kernel reports, node is the part above a node that is itself a container.
func TestDistributions(t *testing.T) {
	const (
		burstable = "kubepods-burstable-pod" + systemdUID + ".slice:cri-containerd:" + hexID
		slices3   = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + systemdUID + ".slice"
		kindPod   = "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod" + systemdUID + ".slice"
		scope     = "/cri-containerd-" + hexID + ".scope"
	)
	kindNode := strings.Repeat("ab", 32)
	tests := map[string]struct {
		socket      string
		cgroupsPath string
		node, path  string // path is below the root of what the node sees
	}{
		"kubeadm, systemd driver": {
			"/run/containerd/containerd.sock", burstable, "", slices3 + scope,
		},
		"kubeadm, guaranteed": {
			"/run/containerd/containerd.sock", "kubepods-pod" + systemdUID + ".slice:cri-containerd:" + hexID,
			"", "/kubepods.slice/kubepods-pod" + systemdUID + ".slice" + scope,
		},
		"kubeadm, static pod": {
			"/run/containerd/containerd.sock",
			"kubepods-burstable-pod" + strings.ReplaceAll(podUID, "-", "") + ".slice:cri-containerd:" + hexID,
			"", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + strings.ReplaceAll(podUID, "-", "") + ".slice" + scope,
		},
		"cgroupfs driver": {
			"/run/containerd/containerd.sock", "/kubepods/besteffort/pod" + podUID + "/" + hexID,
			"", "/kubepods/besteffort/pod" + podUID + "/" + hexID,
		},
		"cgroupfs driver, --cgroup-root": {
			"/run/containerd/containerd.sock", "/nodes/one/kubepods/pod" + podUID + "/" + hexID,
			"", "/nodes/one/kubepods/pod" + podUID + "/" + hexID,
		},
		"k3s under systemd": {
			"/run/k3s/containerd/containerd.sock", burstable, "", slices3 + scope,
		},
		"k3s without systemd": {
			"/run/k3s/containerd/containerd.sock", "/kubepods/burstable/pod" + podUID + "/" + hexID,
			"", "/kubepods/burstable/pod" + podUID + "/" + hexID,
		},
		"k3d": { // k3s in Docker
			"/run/k3s/containerd/containerd.sock", "/kubepods/burstable/pod" + podUID + "/" + hexID,
			"/system.slice/docker-" + kindNode + ".scope", "/kubepods/burstable/pod" + podUID + "/" + hexID,
		},
		"k0s": {
			"/run/k0s/containerd.sock", "/kubepods/burstable/pod" + podUID + "/" + hexID,
			"", "/kubepods/burstable/pod" + podUID + "/" + hexID,
		},
		"microk8s": {
			"/var/snap/microk8s/common/run/containerd.sock", "/kubepods/besteffort/pod" + podUID + "/" + hexID,
			"", "/kubepods/besteffort/pod" + podUID + "/" + hexID,
		},
		"kind in Docker, systemd driver": {
			"/run/containerd/containerd.sock", "kubelet-kubepods-besteffort-pod" + systemdUID + ".slice:cri-containerd:" + hexID,
			"/system.slice/docker-" + kindNode + ".scope", kindPod + scope,
		},
		"kind in Docker, cgroupfs driver": {
			"/run/containerd/containerd.sock", "kubelet-kubepods-besteffort-pod" + systemdUID + ".slice:cri-containerd:" + hexID,
			"/docker/" + kindNode, kindPod + scope,
		},
		"kind in Podman": {
			"/run/containerd/containerd.sock", "kubelet-kubepods-besteffort-pod" + systemdUID + ".slice:cri-containerd:" + hexID,
			"/machine.slice/libpod-" + kindNode + ".scope/container", kindPod + scope,
		},
		"kind before 1.24": {
			"/run/containerd/containerd.sock", "/kubelet/kubepods/besteffort/pod" + podUID + "/" + hexID,
			"/docker/" + kindNode, "/kubelet/kubepods/besteffort/pod" + podUID + "/" + hexID,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if !slices.Contains(DefaultSockets, tt.socket) {
				t.Errorf("nobody looks for %s", tt.socket)
			}
			if got := candidate(tt.node + tt.path); got != hexID {
				t.Errorf("candidate(%q) = %q", tt.node+tt.path, got)
			}
			got, err := recordedPath(tt.cgroupsPath)
			if err != nil || got != tt.path {
				t.Errorf("recordedPath(%q) = %q, %v; want %q", tt.cgroupsPath, got, err, tt.path)
			}
			// Above it there are only groups of containers, and the node.
			for dir := tt.path; dir != ""; dir = dir[:strings.LastIndexByte(dir, '/')] {
				if id := candidate(dir); id == hexID && dir != tt.path {
					t.Errorf("candidate(%q) = %q, which is below it", dir, id)
				}
			}
		})
	}
}
