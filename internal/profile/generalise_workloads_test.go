package profile

import (
	"testing"

	"bobwatch/internal/event"
)

// What a workload does in one run, what it does in another and must not be
// reported, and what must.
func TestLearnedWorkloads(t *testing.T) {
	const (
		account    = "/run/secrets/kubernetes.io/serviceaccount/"
		eks        = "/var/run/secrets/eks.amazonaws.com/serviceaccount/"
		monday     = "..2025_11_17_10_00_00.1234567890/"
		tuesday    = "..2025_11_18_11_01_01.17/"
		podVolumes = "/var/lib/kubelet/pods/0b9c2a7e-7f1d-4a58-9d6c-0d8c3c1a2b3c/volumes/"
		newVolumes = "/var/lib/kubelet/pods/aaaaaaaa-7f1d-4a58-9d6c-0d8c3c1a2b3c/volumes/"
	)
	tests := map[string]struct{ learned, silent, loud []string }{
		"token rotation": {
			learned: []string{account + monday + "token"},
			silent:  []string{account + monday + "token", account + tuesday + "token"},
			loud: []string{
				account + tuesday + "ca.crt", account + "token", "/run/secrets/kubernetes.io/other/" + tuesday + "token",
				"/run/secrets/token", "/run/secrets/db/" + tuesday + "token", account + monday + "x/token",
			},
		},
		"service account": {
			learned: []string{account + monday + "token", account + monday + "ca.crt", account + monday + "namespace"},
			silent:  []string{account + tuesday + "token", account + tuesday + "ca.crt", account + tuesday + "namespace"},
			loud:    []string{account + tuesday + "other", account + "token"},
		},
		"token of a cloud": {
			learned: []string{eks + monday + "token"},
			silent:  []string{eks + tuesday + "token"},
			loud:    []string{"/var/run/secrets/kubernetes.io/serviceaccount/" + tuesday + "token"},
		},
		"token of a mount of one's own": {
			learned: []string{"/run/secrets/tokens/" + monday + "token"},
			silent:  []string{"/run/secrets/tokens/" + tuesday + "token"},
			loud:    []string{"/run/secrets/tokens/token", account + tuesday + "token"},
		},
		"config maps": {
			learned: []string{"/etc/app/" + monday + "app.conf", "/config/" + monday + "a", "/root/.ssh/" + monday + "id_rsa"},
			silent:  []string{"/etc/app/" + tuesday + "app.conf", "/config/" + tuesday + "a", "/root/.ssh/" + tuesday + "id_rsa"},
			loud:    []string{"/etc/app/" + tuesday + "other.conf", "/root/.ssh/id_rsa", "/root/.ssh/" + tuesday + "id_dsa"},
		},
		"volumes of other pods": {
			learned: []string{podVolumes + "kubernetes.io~empty-dir/data/f", podVolumes + "kubernetes.io~csi/pvc/mount/f"},
			silent:  []string{newVolumes + "kubernetes.io~empty-dir/data/f", newVolumes + "kubernetes.io~csi/pvc/mount/f"},
			loud:    []string{newVolumes + "kubernetes.io~secret/data/f", newVolumes + "kubernetes.io~projected/data/f", "/var/lib/kubelet/pki/f"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := Compile([]Container{GeneraliseContainer(Container{Opens: reading(tt.learned...)}, DefaultThresholds())}, MatchOptions{Arch: "amd64"})
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range tt.silent {
				if got := m.Open([]byte(path), event.AccessRead); got != Allowed {
					t.Errorf("%s: %v, want it to be silent", path, got)
				}
			}
			for _, path := range tt.loud {
				if got := m.Open([]byte(path), event.AccessRead); got == Allowed {
					t.Errorf("%s: allowed, want it to be loud", path)
				}
			}
		})
	}
}
