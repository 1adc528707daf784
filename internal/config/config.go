// Package config is the agent's configuration: one YAML file, read strictly.
//
// Default is the one place where defaults are. A file only says what differs.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"bobwatch/internal/redact"
	"bobwatch/internal/signature"
	"bobwatch/internal/yamlfile"
)

// Config is the content of a configuration file. docs/configuration.md documents every
// field with its default.
type Config struct {
	// Node is the name that alerts carry.
	Node string `json:"node"`
	// StateDir holds the journal and the learned profiles.
	StateDir   string     `json:"stateDir"`
	Containerd Containerd `json:"containerd"`
	Cgroups    Cgroups    `json:"cgroups"`
	Kubernetes Kubernetes `json:"kubernetes"`
	Learning   Learning   `json:"learning"`
	Detection  Detection  `json:"detection"`
	Profiles   Profiles   `json:"profiles"`
	Rules      Rules      `json:"rules"`
	Alerts     Alerts     `json:"alerts"`
	Sensor     Sensor     `json:"sensor"`
	Redact     Redact     `json:"redact"`
	HTTP       HTTP       `json:"http"`
}

// Containerd says where containers are known.
type Containerd struct {
	// Sockets to ask. Unset looks where the distributions put them; an empty
	// list asks none.
	Sockets []string `json:"sockets"`
}

// Cgroups are workloads without a runtime.
type Cgroups struct {
	// Root is where the v2 hierarchy is mounted. Empty finds it.
	Root string `json:"root"`
	// Patterns of cgroup paths that are workloads, as of path.Match.
	Patterns []string `json:"patterns"`
}

// Kubernetes configures the agent's use of the API server of a cluster.
type Kubernetes struct {
	// Enabled connects to the API server. Node is then the node's name.
	Enabled bool `json:"enabled"`
	// Kubeconfig says where the API server is. Empty is the one of the cluster
	// that the agent runs in.
	Kubeconfig string `json:"kubeconfig"`
	// Namespaces whose ConfigMaps are read and written; empty for all.
	Namespaces []string `json:"namespaces"`
	// Labels of pods that alerts carry.
	Labels []string `json:"labels"`
	// LearnedProfiles keeps learned profiles in ConfigMaps, for all nodes.
	LearnedProfiles bool `json:"learnedProfiles"`
	// LearnedNamespace is where those are. Nobody but the agents may write there.
	LearnedNamespace string `json:"learnedNamespace"`
	// Settings lists the settings that pods may choose by annotations.
	Settings []Settings `json:"settings"`
}

// Settings lets the pods of namespaces choose.
type Settings struct {
	// Namespace is a pattern such as dev-*.
	Namespace string `json:"namespace"`
	// Allow lists the settings that they may choose: off, learn, window, document.
	Allow []string `json:"allow"`
}

// settingChoices are the values of Settings.Allow.
var settingChoices = []string{"off", "learn", "window", "document"}

func (k *Kubernetes) validate(wrong check) {
	for i, s := range k.Settings {
		_, err := path.Match(s.Namespace, "")
		wrong(err == nil && s.Namespace != "", "kubernetes.settings[%d].namespace: %q is not a pattern", i, s.Namespace)
		for j, choice := range s.Allow {
			wrong(slices.Contains(settingChoices, choice), "kubernetes.settings[%d].allow[%d]: %q is none of %s",
				i, j, choice, strings.Join(settingChoices, ", "))
		}
	}
}

// Learning says how long and about whom.
type Learning struct {
	// Window is the observed time after which a workload is guarded.
	Window Duration `json:"window"`
	// Keep is how long what was learned of a workload is kept on the node after
	// it was seen last.
	Keep Duration `json:"keep"`
	// Sandboxes includes the pause containers of pods.
	Sandboxes bool `json:"sandboxes"`
}

// Detection decides which acts deviate.
type Detection struct {
	// StrictSyscalls switches families off: dup2 does not stand for dup3.
	StrictSyscalls bool `json:"strictSyscalls"`
	// Cooldown is how long a repeated deviation is only counted.
	Cooldown Duration `json:"cooldown"`
}

// Rules says which rules judge acts besides the built-in ones.
type Rules struct {
	// Directory holds files with rules and bindings; empty for none. It need not
	// exist yet.
	Directory string `json:"directory"`
}

// Profiles chooses the documents in force in addition to learned profiles.
type Profiles struct {
	// Directory holds them; empty for none. It need not exist yet.
	Directory string `json:"directory"`
	// JoinLearned adds what was learned of a workload to the documents that
	// describe it. Without it, a document that describes a workload is all that
	// counts, with the allowances for it.
	JoinLearned bool `json:"joinLearned"`
	// Trust says which signers may vouch for which workloads.
	Trust signature.Policy `json:"trust"`
}

// Sensor configures the programs and maps in the kernel.
type Sensor struct {
	// PinPath is a directory on a bpffs, where the kernel's part outlives the
	// agent. Empty pins nothing.
	PinPath string `json:"pinPath"`
	// RingBytes is the size of the ring buffer, a power of two.
	RingBytes uint32 `json:"ringBytes"`
}

// Redact names credentials in addition to the built-in ones.
type Redact struct {
	// Patterns are regular expressions of arguments; their first group, or all
	// of the match, is replaced.
	Patterns []string `json:"patterns"`
}

// HTTP is the port for /metrics, /healthz and /readyz.
type HTTP struct {
	// Listen is host:port, or unix:PATH. Empty listens nowhere.
	Listen string `json:"listen"`
	// WebConfig is a file that says who may read it and how it is encrypted,
	// in the format of Prometheus' exporters. Empty serves plainly to all.
	WebConfig string `json:"webConfig"`
}

// Default returns the configuration of an empty file.
func Default() Config {
	return Config{
		Node:       nodeName(),
		StateDir:   "/var/lib/bobwatch",
		Kubernetes: Kubernetes{LearnedProfiles: true},
		Learning:   Learning{Window: Duration(24 * time.Hour), Keep: Duration(30 * 24 * time.Hour)},
		Detection:  Detection{Cooldown: Duration(time.Minute)},
		Profiles:   Profiles{Directory: "/etc/bobwatch/profiles"},
		Rules:      Rules{Directory: "/etc/bobwatch/rules"},
		Alerts: Alerts{
			Output: OutputAuto, RepeatInterval: Duration(10 * time.Minute), QueueBytes: 16 << 20,
			History: History{Bytes: 64 << 20, Age: Duration(30 * 24 * time.Hour)},
		},
		Sensor: Sensor{PinPath: "/sys/fs/bpf/bobwatch", RingBytes: 2 << 20},
		HTTP:   HTTP{Listen: "127.0.0.1:9464"},
	}
}

// nodeName returns the name of the node from the environment, which the DaemonSet
// sets, or else the machine's name.
func nodeName() string {
	if name := os.Getenv("NODE_NAME"); name != "" {
		return name
	}
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// maxBytes bounds a configuration file.
const maxBytes = 1 << 20

// Load reads the file at path over the defaults. An empty path is an empty
// file. The error says line, column and field, or all fields that are wrong.
func Load(path string) (Config, error) {
	if path == "" {
		return Default(), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return Config{}, fmt.Errorf("load configuration: %w", err)
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return Config{}, fmt.Errorf("load configuration: %w", err)
	}
	if len(raw) > maxBytes {
		return Config{}, fmt.Errorf("load configuration: %s is larger than %d bytes", path, maxBytes)
	}
	c, err := Parse(raw)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Parse reads YAML over the defaults and validates the result.
func Parse(raw []byte) (Config, error) {
	c := Default()
	raw, err := yamlfile.Single("configuration", raw)
	if err != nil {
		return Config{}, fmt.Errorf("parse configuration: %w", err)
	}
	err = yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict()).Decode(&c)
	if err != nil && !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("parse configuration: %s", yaml.FormatError(err, false, false))
	}
	if reflect.ValueOf(c).IsZero() { // a document without content resets what it is read into
		c = Default()
	}
	if err := c.validate(); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

// validate reports every field that is wrong.
func (c *Config) validate() error {
	var errs []error
	wrong := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(filepath.IsAbs(c.StateDir), "stateDir: %q is not an absolute path", c.StateDir)
	for i, socket := range c.Containerd.Sockets {
		wrong(filepath.IsAbs(socket), "containerd.sockets[%d]: %q is not an absolute path", i, socket)
	}
	for i, pattern := range c.Cgroups.Patterns {
		_, err := path.Match(pattern, "")
		wrong(err == nil, "cgroups.patterns[%d]: %q is not a pattern", i, pattern)
		wrong(len(pattern) > 1 && pattern[0] == '/', "cgroups.patterns[%d]: %q does not begin with /", i, pattern)
	}
	wrong(c.Learning.Window >= Duration(time.Second), "learning.window: %s is less than 1s", c.Learning.Window)
	wrong(c.Learning.Keep >= Duration(time.Hour), "learning.keep: %s is less than 1h", c.Learning.Keep)
	wrong(c.Detection.Cooldown >= Duration(time.Second), "detection.cooldown: %s is less than 1s", c.Detection.Cooldown)
	c.Kubernetes.validate(wrong)
	c.Alerts.validate(wrong)
	for i := range c.Alerts.Sinks {
		wrong(c.Alerts.Sinks[i].KubernetesEvents == nil || c.Kubernetes.Enabled,
			"alerts.sinks[%d].kubernetesEvents: kubernetes.enabled is false", i)
	}
	if _, err := redact.New(c.Redact.Patterns); err != nil {
		errs = append(errs, fmt.Errorf("redact.%w", err))
	}
	ring := c.Sensor.RingBytes
	wrong(ring >= 64<<10 && ring <= 1<<30 && ring&(ring-1) == 0,
		"sensor.ringBytes: %d is not a power of two from 64 KiB to 1 GiB", ring)
	wrong(c.Sensor.PinPath == "" || filepath.IsAbs(c.Sensor.PinPath), "sensor.pinPath: %q is not an absolute path", c.Sensor.PinPath)
	wrong(c.HTTP.WebConfig == "" || filepath.IsAbs(c.HTTP.WebConfig), "http.webConfig: %q is not an absolute path", c.HTTP.WebConfig)
	if err := c.Profiles.Trust.Validate(); err != nil {
		for line := range strings.Lines(err.Error()) {
			errs = append(errs, fmt.Errorf("profiles.trust: %s", strings.TrimSpace(line)))
		}
	}
	return errors.Join(errs...)
}

// Duration is a time.Duration written as in Go, such as 30s or 24h.
type Duration time.Duration

// String returns the duration as Go writes it.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 30s or 24h", text)
	}
	*d = Duration(parsed)
	return nil
}
