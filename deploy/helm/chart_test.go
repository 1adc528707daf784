package helm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"bobwatch/internal/config"
	"bobwatch/internal/severity"
	"bobwatch/internal/signature"
)

const (
	everything = "--values=testdata/everything.yaml"
	alone      = "--values=testdata/alone.yaml"
)

func TestLint(t *testing.T) {
	for name, values := range map[string][]string{"defaults": nil, "everything": {everything}, "alone": {alone}} {
		t.Run(name, func(t *testing.T) {
			if _, err := helm(t, append([]string{"lint", "--strict", "--quiet", chart}, values...)...); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestValuesAreChecked: a value that is misspelt or makes no sense is refused,
// by a message that names it.
func TestValuesAreChecked(t *testing.T) {
	tests := map[string]struct{ set, says string }{
		"unknown":           {"privileged=true", "privileged"},
		"unknown below":     {"image.registry=x", "registry"},
		"another type":      {"podMonitor.enabled=maybe", "podMonitor"},
		"distribution":      {"distro=k3d", "distro"},
		"digest":            {"image.digest=sha256:12", "digest"},
		"severity":          {"alertmanager.severity=warning", "severity"},
		"relative path":     {"stateDirectory=var", "stateDirectory"},
		"name of a secret":  {"secrets={../x}", "secrets"},
		"address":           {"alertmanager.urls={alertmanager:9093}", "urls"},
		"surge":             {"updateStrategy.rollingUpdate.maxSurge=1", "maxSurge"},
		"port of the agent": {"config.http.listen=:80", "config.http.listen"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := helm(t, "template", chart, chart, "--set", tt.set)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("--set %s: %v, want an error that says %s", tt.set, err, tt.says)
			}
		})
	}
}

// TestEveryValueIsDescribed: schema and values.yaml name the same.
func TestEveryValueIsDescribed(t *testing.T) {
	type schema struct {
		Properties map[string]*schema
	}
	var described schema
	text, err := os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &described); err != nil {
		t.Fatal(err)
	}
	delete(described.Properties, "global") // a parent chart's
	var values map[string]any
	text, err = os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	var compare func(path string, described *schema, value any)
	compare = func(path string, described *schema, value any) {
		fields, ok := value.(map[string]any)
		if !ok || described.Properties == nil {
			return
		}
		for name := range fields {
			if described.Properties[name] == nil {
				t.Errorf("values.schema.json lacks %s%s", path, name)
			}
		}
		for name, below := range described.Properties {
			value, ok := fields[name]
			if !ok {
				t.Errorf("values.yaml lacks %s%s", path, name)
			}
			compare(path+name+".", below, value)
		}
	}
	compare("", &described, values)
}

func TestSecurity(t *testing.T) {
	yes, no := true, false
	capabilities := []corev1.Capability{"BPF", "PERFMON", "SYS_PTRACE"}
	tests := map[string]struct {
		values string
		add    []corev1.Capability
	}{
		"defaults":              {"--set=distro=standard", capabilities},
		"perf_event_paranoid 3": {everything, append(slices.Clone(capabilities), "SYS_ADMIN")},
		"alone":                 {alone, capabilities},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			template, agent := pod(t, render(t, tt.values))
			want := &corev1.SecurityContext{
				AllowPrivilegeEscalation: &no,
				ReadOnlyRootFilesystem:   &yes,
				Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: tt.add},
			}
			if diff := cmp.Diff(want, agent.SecurityContext); diff != "" {
				t.Errorf("securityContext (-want +got):\n%s", diff)
			}
			for _, c := range template.Spec.InitContainers {
				want.Capabilities.Add = nil
				if diff := cmp.Diff(want, c.SecurityContext); diff != "" {
					t.Errorf("securityContext of %s (-want +got):\n%s", c.Name, diff)
				}
			}
			spec := template.Spec
			if spec.HostNetwork || spec.HostIPC || !spec.HostPID {
				t.Errorf("hostNetwork %t, hostIPC %t, hostPID %t; want only hostPID",
					spec.HostNetwork, spec.HostIPC, spec.HostPID)
			}
			if got := spec.SecurityContext.SeccompProfile.Type; got != corev1.SeccompProfileTypeRuntimeDefault {
				t.Errorf("seccomp profile %s", got)
			}
			if got := template.Annotations["bobwatch/mode"]; got != "off" {
				t.Errorf("the agent's own pod has the mode %q", got)
			}
		})
	}
}

// TestNodeDirectories: what of the node a pod sees, and what it may write.
func TestNodeDirectories(t *testing.T) {
	tests := map[string]struct {
		args   []string
		socket string // directory
		pins   bool
	}{
		"defaults":       {nil, "/run/containerd", true},
		"k3s":            {[]string{"--set=distro=k3s"}, "/run/k3s/containerd", true},
		"k0s":            {[]string{"--set=distro=k0s"}, "/run/k0s", true},
		"microk8s":       {[]string{"--set=distro=microk8s"}, "/var/snap/microk8s/common/run", true},
		"kind":           {[]string{"--set=distro=kind"}, "/run/containerd", false},
		"kind with pins": {[]string{"--set=distro=kind,pins.enabled=true"}, "/run/containerd", true},
		"without pins":   {[]string{"--set=pins.enabled=false"}, "/run/containerd", false},
		"elsewhere":      {[]string{"--set=socketDirectory=/opt/run"}, "/opt/run", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			all := render(t, tt.args...)
			template, agent := pod(t, all)
			want := map[string]bool{ // whether it is read-only
				"/sys/fs/cgroup":      true,
				"/sys/kernel/tracing": true,
				"/var/lib/bobwatch":   false,
				tt.socket:             true,
			}
			if tt.pins {
				want["/sys/fs/bpf"] = false
			}
			if diff := cmp.Diff(want, hostPaths(template, agent)); diff != "" {
				t.Errorf("directories of the node (-want +got):\n%s", diff)
			}
			c := agentConfig(t, all)
			if want := []string{tt.socket + "/containerd.sock"}; !slices.Equal(c.Containerd.Sockets, want) {
				t.Errorf("sockets %q, want %q", c.Containerd.Sockets, want)
			}
			if got := c.Sensor.PinPath != ""; got != tt.pins {
				t.Errorf("pinPath %q, want one: %t", c.Sensor.PinPath, tt.pins)
			}
			if got := len(template.Spec.InitContainers) == 0; got != tt.pins {
				t.Errorf("%d init containers; unpinning is for pods that do not pin", len(template.Spec.InitContainers))
			}
		})
	}
}

// hostPaths returns the directories of the node that a container mounts, and
// whether it only reads them.
func hostPaths(template corev1.PodTemplateSpec, c corev1.Container) map[string]bool {
	paths := map[string]bool{}
	for _, v := range template.Spec.Volumes {
		for _, m := range c.VolumeMounts {
			if v.HostPath != nil && m.Name == v.Name {
				paths[v.HostPath.Path] = m.ReadOnly
			}
		}
	}
	return paths
}

func TestConfiguration(t *testing.T) {
	base := config.Default()
	base.Kubernetes.Enabled = true
	base.Containerd.Sockets = []string{"/run/containerd/containerd.sock"}
	base.Alerts.Output = config.OutputJSON
	base.HTTP.Listen = ":9464"

	off := base
	off.Kubernetes.Enabled = false
	off.Containerd.Sockets = []string{"/var/snap/microk8s/common/run/containerd.sock"}
	off.Sensor.PinPath = ""

	full := base
	full.Learning.Window = config.Duration(time.Hour)
	full.Kubernetes.Namespaces = []string{"shop", "backend"}
	full.Kubernetes.Labels = []string{"team"}
	full.Sensor.RingBytes = 4 << 20
	full.HTTP.WebConfig = "/etc/bobwatch/web/web.yaml"
	full.Profiles.Trust = signature.Policy{
		Authorities: []signature.Authority{{
			Name:      "vendor",
			KeyFile:   "/etc/bobwatch/trust/vendor.pub",
			Workloads: []signature.Scope{{Namespace: "shop", Name: "*"}},
		}},
		Unsigned: []signature.UnsignedRule{{Namespace: "dev-*", Action: signature.Accept}},
	}
	full.Alerts.QueueBytes = 1 << 30
	full.Alerts.Sinks = []config.Sink{{
		Name: "siem",
		Syslog: &config.Syslog{
			Address: "tls://siem.example:6514",
			TLS:     config.TLS{CAFile: "/etc/bobwatch/secrets/siem/ca.crt"},
		},
	}, {
		Name:         "alertmanager",
		Severity:     severity.Medium,
		Alertmanager: &config.Alertmanager{URLs: []string{"http://alertmanager-0:9093", "http://alertmanager-1:9093"}},
	}}

	tests := map[string]struct {
		values string
		want   config.Config
	}{
		"defaults":   {"--set=distro=standard", base},
		"everything": {everything, full},
		"alone":      {alone, off},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, agentConfig(t, render(t, tt.values))); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFilesAreWhereTheConfigurationSays: what a configuration may point at is
// mounted.
func TestFilesAreWhereTheConfigurationSays(t *testing.T) {
	all := render(t, everything)
	_, agent := pod(t, all)
	got := map[string]string{}
	for _, m := range agent.VolumeMounts {
		got[m.MountPath] = m.Name
	}
	want := map[string]string{
		"/etc/bobwatch/config":       "config",
		"/etc/bobwatch/trust":        "trust",
		"/etc/bobwatch/profiles":     "documents",
		"/etc/bobwatch/web":          "web",
		"/etc/bobwatch/secrets/siem": "secret-siem",
		"/var/lib/bobwatch":          "state",
		"/run/containerd":            "containerd",
		"/host/sys/fs/cgroup":        "cgroups",
		"/sys/kernel/tracing":        "tracefs",
		"/sys/fs/bpf":                "bpffs",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
	for key, file := range map[string]string{
		"ConfigMap bobwatch/bobwatch-trust":     "vendor.pub",
		"ConfigMap bobwatch/bobwatch-documents": "webapp.yaml",
	} {
		if get[*corev1.ConfigMap](t, all, key).Data[file] == "" {
			t.Errorf("%s has no %s", key, file)
		}
	}
}

// TestRestarts: an agent that has to read its configuration anew is started
// anew, and documents, which it follows, do not do that.
func TestRestarts(t *testing.T) {
	checksum := func(args ...string) string {
		template, _ := pod(t, render(t, args...))
		return template.Annotations["checksum/config"]
	}
	before := checksum()
	tests := map[string]struct {
		set  string
		want bool
	}{
		"configuration": {"config.learning.window=1h", true},
		"a key":         {`trust.files.a\.pub=x`, true},
		"a document":    {`documents.a\.yaml=x`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := checksum("--set", tt.set) != before; got != tt.want {
				t.Errorf("--set %s starts agents anew: %t, want %t", tt.set, got, tt.want)
			}
		})
	}
}
