package monitoring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"bobwatch/internal/testenv"
	"bobwatch/test/workloads"
)

// patience is how long a test waits for what should come within seconds.
const patience = 60 * time.Second

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: not within %s", what, patience)
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs a server until the test ends. What it wrote is shown if the test
// failed.
func start(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = cmd.Wait()
		if t.Failed() {
			text := out.Bytes()
			t.Logf("%s wrote: %s", filepath.Base(program), text[max(0, len(text)-8192):])
		}
	})
	return cmd
}

func get(address, path string) (status int, body string) {
	response, err := http.Get("http://" + address + path)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

// watcher is a real agent that watches the cgroups of one test.
type watcher struct {
	cmd     *exec.Cmd
	address string
	pins    string
	state   string
}

// startAgent builds and starts the agent, with the smallest ring buffer.
func startAgent(t *testing.T) *watcher {
	t.Helper()
	testenv.Root(t)
	dir := t.TempDir()
	binary, err := workloads.Build(t.Context(), "./cmd/agent")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "agent")
	if err := os.WriteFile(program, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	bpffs := filepath.Join(dir, "bpf")
	if err := os.Mkdir(bpffs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("bpffs", bpffs, "bpf", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(bpffs, 0); err != nil {
			t.Error(err)
		}
	})
	w := &watcher{address: freeAddress(t), pins: filepath.Join(bpffs, "bobwatch"), state: filepath.Join(dir, "state")}
	file := filepath.Join(dir, "agent.yaml")
	text := fmt.Sprintf(`node: test
stateDir: %s
containerd: {sockets: []}
cgroups: {patterns: ["/bobwatch-monitoring-test-*"]}
learning: {window: 15s}
profiles: {directory: ""}
alerts: {output: json}
sensor: {pinPath: %s, ringBytes: 65536}
http: {listen: "%s"}
`, w.state, w.pins, w.address)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.cmd = start(t, program, "-config", file)
	eventually(t, "agent is ready", func() bool { status, _ := get(w.address, "/readyz"); return status == http.StatusOK })
	return w
}

// unpin removes the pin of a hook's link.
func (w *watcher) unpin(t *testing.T, hook string) {
	t.Helper()
	pins, err := filepath.Glob(filepath.Join(w.pins, "*", "link_"+hook))
	if err != nil || len(pins) != 1 {
		t.Fatalf("pins %q, %v", pins, err)
	}
	if err := os.Remove(pins[0]); err != nil {
		t.Fatal(err)
	}
}

// link finds the file descriptor by which the agent holds the link to a raw
// tracepoint, and the link's id.
func (w *watcher) link(t *testing.T, tracepoint string) (fd int, id link.ID) {
	t.Helper()
	infos, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", w.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		text, err := os.ReadFile(info)
		if err != nil || !strings.Contains(string(text), tracepoint) {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if _, err := fmt.Sscanf(line, "link_id: %d", &id); err == nil {
				fd, err = strconv.Atoi(filepath.Base(info))
				if err != nil {
					t.Fatal(err)
				}
				return fd, id
			}
		}
	}
	t.Fatalf("the agent holds no link to %s", tracepoint)
	return 0, 0
}

// newCgroup makes a cgroup that the agent takes for a workload.
func newCgroup(t *testing.T) string {
	t.Helper()
	root := "/sys/fs/cgroup"
	if _, err := os.Stat(root + "/unified/cgroup.procs"); err == nil {
		root += "/unified"
	}
	dir, err := os.MkdirTemp(root, "bobwatch-monitoring-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// sh runs a script in a cgroup.
func sh(t *testing.T, cgroup, script string) {
	t.Helper()
	fd, err := unix.Open(cgroup, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sh -c %q: %v: %s", script, err, out)
	}
}

// prometheus is a private server that scrapes one agent every second.
type prometheus struct {
	address string
}

func startPrometheus(t *testing.T, target, rules string) *prometheus {
	t.Helper()
	program := testenv.Command(t, "prometheus")
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(`global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [%s]
scrape_configs:
- job_name: bobwatch
  honor_labels: true
  static_configs: [{targets: ["%s"]}]
`, rules, target)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &prometheus{address: freeAddress(t)}
	start(t, program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+p.address, "--log.level=warn")
	eventually(t, "Prometheus is ready", func() bool { status, _ := get(p.address, "/-/ready"); return status == http.StatusOK })
	return p
}

// ask sends a request to Prometheus' API and decodes the data of its answer.
func (p *prometheus) ask(path string, data any) error {
	status, body := get(p.address, "/api/v1/"+path)
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return fmt.Errorf("%s: status %d: %s", path, status, body)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", path, answer.Error)
	}
	return json.Unmarshal(answer.Data, data)
}

// series returns how many series an expression has now.
func (p *prometheus) series(expr string) (int, error) {
	var data struct{ Result []json.RawMessage }
	if err := p.ask("query?query="+url.QueryEscape(expr), &data); err != nil {
		return 0, err
	}
	return len(data.Result), nil
}

// firing returns the alerts that fire, by name, each with its labels.
func (p *prometheus) firing(t *testing.T) map[string][]map[string]string {
	t.Helper()
	var data struct {
		Alerts []struct {
			Labels map[string]string
			State  string
		}
	}
	if err := p.ask("alerts", &data); err != nil {
		t.Fatal(err)
	}
	names := map[string][]map[string]string{}
	for _, a := range data.Alerts {
		if a.State == "firing" {
			names[a.Labels["alertname"]] = append(names[a.Labels["alertname"]], a.Labels)
		}
	}
	return names
}
