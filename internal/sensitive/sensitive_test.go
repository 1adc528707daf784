package sensitive

import (
	"testing"

	"bobwatch/internal/severity"
)

func TestSensitive(t *testing.T) {
	tests := map[string]struct {
		want severity.Severity
		no   bool
	}{
		"/etc/shadow":                       {want: severity.Critical},
		"/etc/passwd":                       {want: severity.Medium},
		"/etc/ssh/ssh_host_ed25519_key":     {want: severity.Critical},
		"/etc/ssh/ssh_host_ed25519_key.pub": {want: severity.Medium},
		"/proc/4711/environ":                {want: severity.High},
		"/proc/4711/task/4712/mem":          {want: severity.Critical},
		"/proc/4711/stat":                   {no: true},
		"/root/.ssh/anything":               {want: severity.High},
		"/home/joe/.aws/credentials":        {want: severity.High},
		"/data/.ssh/id_ed25519":             {want: severity.High},
		"/a/b/c/d/.ssh/x":                   {want: severity.High},
		"/home/joe/.config/gcloud/a/b":      {want: severity.High},
		"/run/secrets/kubernetes.io/serviceaccount/..2025_11_21_00_05_24.12/token": {want: severity.High},
		"/var/run/secrets/kubernetes.io/serviceaccount/token":                      {want: severity.High},
		"/run/containerd/containerd.sock":                                          {want: severity.Critical},
		"/sys/fs/cgroup/a/b/release_agent":                                         {want: severity.Critical},
		"/sys/fs/cgroup/release_agent":                                             {want: severity.Critical},
		"/var/lib/kubelet/pki/a/b":                                                 {want: severity.Critical},
		"/var/lib/kubelet/config.yaml":                                             {want: severity.Critical},
		"/var/lib/kubelet/pods/1/volumes/kubernetes.io~secret/a/b":                 {want: severity.Critical},
		"/var/lib/kubelet/pods/1/volumes/kubernetes.io~projected/t/..data/token":   {want: severity.Critical},
		"/var/lib/kubelet/pods/1/volumes/kubernetes.io~empty-dir/a/b":              {no: true},
		"/var/lib/kubelet/plugins/csi/csi.sock":                                    {no: true},
		"/sys/fs/cgroup/cpu.max":                                                   {no: true},
		"/etc/hostname":                                                            {no: true},
		"etc/shadow":                                                               {no: true},
		"/":                                                                        {no: true},
		"":                                                                         {no: true},
	}
	for path, tt := range tests {
		t.Run(path, func(t *testing.T) {
			got, ok := Grade([]byte(path))
			if ok == tt.no || got != tt.want {
				t.Errorf("Sensitive(%q) = %v, %t, want %v, %t", path, got, ok, tt.want, !tt.no)
			}
		})
	}
}

func TestSensitiveDoesNotAllocate(t *testing.T) {
	path := []byte("/var/lib/kubelet/pki/../a/long/path/that/is/no/place/.ssh/id_rsa")
	if got := testing.AllocsPerRun(100, func() { Grade(path) }); got != 0 {
		t.Errorf("Sensitive allocates %v times", got)
	}
}

func TestSensitiveExamplesAreSensitive(t *testing.T) {
	for _, path := range Examples() {
		if _, ok := Grade([]byte(path)); !ok {
			t.Errorf("Sensitive(%q) = false", path)
		}
	}
}
