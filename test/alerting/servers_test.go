// Package alerting tests that alerts arrive, once and unharmed, at the servers
// that people run: Alertmanager and rsyslog, each private to its test.
package alerting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bobwatch/internal/testenv"
)

// patience is how long a test waits for what has to come. It is no measure of
// how long that takes.
const patience = 60 * time.Second

// eventually waits until check says that there is nothing wrong.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// freePort returns a port of 127.0.0.1 that is free for TCP and UDP.
func freePort(t *testing.T) int {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		c, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
		l.Close()
		if err == nil {
			c.Close()
			return port
		}
	}
	t.Fatal("no port is free for TCP and UDP")
	return 0
}

// server is a running program.
type server struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	done   chan struct{}
}

func startServer(t *testing.T, name string, args ...string) *server {
	t.Helper()
	s := &server{cmd: exec.Command(testenv.Command(t, name), args...), done: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		_ = s.cmd.Wait() // how it ended shows in the test
	}()
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("%s:\n%s", name, s.output.String())
		}
	})
	return s
}

// stop ends the program. It may be called again.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

// alertmanager is an Alertmanager of its own on one port, which can be
// restarted.
type alertmanager struct {
	*server
	dir    string
	url    string
	args   []string
	client *http.Client
	notes  *notes
}

// newAlertmanager prepares one; start starts it. args are added to its flags.
func newAlertmanager(t *testing.T, args ...string) *alertmanager {
	t.Helper()
	dir, notes := t.TempDir(), newNotes(t)
	config := filepath.Join(dir, "alertmanager.yml")
	write(t, config, fmt.Sprintf(`
route:
  receiver: test
  group_by: [namespace, workload, container]
  group_wait: 300ms
  group_interval: 500ms
receivers:
- name: test
  webhook_configs: [{url: %q}]
`, notes.URL()))
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	return &alertmanager{
		dir: dir, url: "http://" + address, client: http.DefaultClient, notes: notes,
		args: append([]string{
			"--config.file=" + config, "--storage.path=" + filepath.Join(dir, "data"),
			"--web.listen-address=" + address, "--cluster.listen-address=", "--log.level=warn",
		}, args...),
	}
}

func startAlertmanager(t *testing.T, args ...string) *alertmanager {
	t.Helper()
	am := newAlertmanager(t, args...)
	am.start(t)
	return am
}

func (am *alertmanager) start(t *testing.T) {
	t.Helper()
	am.server = startServer(t, "prometheus-alertmanager", am.args...)
	eventually(t, func() error { return am.get("/-/ready", nil) })
}

// get fetches path, and decodes the answer into v if it is not nil.
func (am *alertmanager) get(path string, v any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, am.url+path, nil)
	if err != nil {
		return err
	}
	r.SetBasicAuth("bob", "secret") // for those that ask
	answer, err := am.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return errors.Join(err, fmt.Errorf("%s: %s %s", path, answer.Status, body))
	}
	if v == nil {
		return nil
	}
	return json.Unmarshal(body, v)
}

// told is an alert as Alertmanager tells of it.
type told struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	GeneratorURL string            `json:"generatorURL"`
	Status       json.RawMessage   `json:"status"` // of an object, or a word in a notification
}

// messages returns what the active alerts say, in order.
func (am *alertmanager) messages() ([]string, error) {
	alerts, err := am.active()
	var list []string
	for _, a := range alerts {
		list = append(list, a.Annotations["summary"])
	}
	slices.Sort(list)
	return list, err
}

func (am *alertmanager) active() ([]told, error) {
	var alerts []told
	err := am.get("/api/v2/alerts", &alerts)
	return alerts, err
}

// wantActive waits until the active alerts say want, in order, and nothing
// else.
func (am *alertmanager) wantActive(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, func() error {
		got, err := am.messages()
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("active alerts: got %q, want %q", got, want)
		}
		return err
	})
}

// notes is where an Alertmanager sends its notifications.
type notes struct {
	listener net.Listener
	mu       sync.Mutex
	got      []note
}

// note is one notification.
type note struct {
	Status      string            `json:"status"`
	GroupLabels map[string]string `json:"groupLabels"`
	Alerts      []told            `json:"alerts"`
}

func newNotes(t *testing.T) *notes {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &notes{listener: l}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender was stopped
		}
		var one note
		if err := json.Unmarshal(body, &one); err != nil {
			t.Errorf("notification: %v", err)
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.got = append(n.got, one)
	})}
	go func() { _ = server.Serve(l) }() // ends with Close
	t.Cleanup(func() { server.Close() })
	return n
}

func (n *notes) URL() string { return "http://" + n.listener.Addr().String() }

func (n *notes) all() []note {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.got)
}

// rsyslog is a daemon that writes what it understood to a file, one JSON object
// a message.
type rsyslog struct {
	*server
	args []string
	port int
	file string
}

// startRsyslog starts one with inputs, a piece of its configuration in which
// PORT stands for its port.
func startRsyslog(t *testing.T, inputs string) *rsyslog {
	t.Helper()
	dir := t.TempDir()
	r := &rsyslog{port: freePort(t), file: filepath.Join(dir, "messages")}
	config := filepath.Join(dir, "rsyslog.conf")
	write(t, config, strings.ReplaceAll(inputs, "PORT", fmt.Sprint(r.port))+fmt.Sprintf(`
global(workDirectory=%q)
template(name="understood" type="list") { property(name="jsonmesg") constant(value="\n") }
action(type="omfile" file=%q template="understood")
`, dir, r.file))
	r.args = []string{"-n", "-f", config, "-i", filepath.Join(dir, "pid")}
	r.start(t)
	return r
}

func (r *rsyslog) start(t *testing.T) {
	t.Helper()
	r.server = startServer(t, "rsyslogd", r.args...)
	eventually(t, func() error {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", r.port))
		if err == nil {
			conn.Close()
		}
		return err
	})
}

// understood is a message as rsyslog read it.
type understood struct {
	Msg      string `json:"msg"`
	Hostname string `json:"hostname"`
	Program  string `json:"programname"`
	MsgID    string `json:"msgid"`
	Severity string `json:"syslogseverity"`
	Facility string `json:"syslogfacility"`
	Version  string `json:"protocol-version"`
	RawMsg   string `json:"rawmsg"`
}

func (r *rsyslog) messages() ([]understood, error) {
	raw, err := os.ReadFile(r.file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var list []understood
	for line := range strings.Lines(string(raw)) {
		var m understood
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			return nil, fmt.Errorf("rsyslog wrote %q: %w", line, err)
		}
		if m.Program != "rsyslogd" { // about itself
			list = append(list, m)
		}
	}
	return list, err
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
