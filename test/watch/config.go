package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
)

// Config is the part of the agent's configuration that its tests choose.
type Config struct {
	Dir     string // where the agent keeps its state, and its socket
	Socket  string // containerd's; empty for none
	Cgroups string // pattern of cgroups that are workloads; may be empty
	Pin     string // where the kernel's part outlives the agent; may be empty
	Rules   string // directory of rule files; may be empty
	Window  time.Duration
}

// YAML returns the configuration as the agent reads it.
func (c Config) YAML() string {
	return fmt.Sprintf(`node: test
stateDir: %q
containerd: {sockets: %s}
cgroups: {patterns: %s}
learning: {window: %s}
profiles: {directory: ""}
rules: {directory: %q}
alerts: {output: json}
sensor: {pinPath: %q}
http: {listen: "unix:%s"}
`, c.Dir, list(c.Socket), list(c.Cgroups), c.Window, c.Rules, c.Pin, c.listen())
}

// list writes s as a list in YAML, without empty elements.
func list(s string) string {
	if s == "" {
		return "[]"
	}
	return fmt.Sprintf("[%q]", s)
}

func (c Config) listen() string { return filepath.Join(c.Dir, "http.sock") }

// Ready waits until the agent says that it watches.
func (a *Agent) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		_, err := a.Get(ctx, "/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-a.done:
			return fmt.Errorf("agent ended: %s", a.Log())
		case <-ctx.Done():
			return fmt.Errorf("wait for agent: %w; its log: %s", err, a.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Get fetches a page, such as /metrics, from the agent.
func (a *Agent) Get(ctx context.Context, path string) (string, error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", a.config.listen())
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://agent"+path, nil)
	if err != nil {
		return "", err
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("get %s: %s: %s", path, res.Status, body)
	}
	return string(body), nil
}

// Profile returns the profile of the workload called name that the agent wrote,
// or nil if there is none yet. The second result is the file's text.
func (c Config) Profile(name string) (*profile.Profile, []byte, error) {
	paths, err := filepath.Glob(filepath.Join(c.Dir, "profiles", "*.yaml"))
	if err != nil {
		return nil, nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // renamed as we looked
		}
		if err != nil {
			return nil, nil, err
		}
		documents, err := documents.Parse(path, text)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range documents {
			if p.Spec.Workload.Name == name {
				return p, text, nil
			}
		}
	}
	return nil, nil, nil
}
