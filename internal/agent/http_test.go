package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sys/unix"

	"bobwatch/internal/agent/metrics"
	"bobwatch/internal/agent/port"
	"bobwatch/internal/config"
	"bobwatch/internal/host"
	"bobwatch/internal/sensor"
	"bobwatch/internal/testenv"
	"bobwatch/internal/workload"
)

// serve runs a server until the test ends and returns its address.
func serve(t *testing.T, webConfig string, e *engine) string {
	t.Helper()
	c := config.HTTP{Listen: "127.0.0.1:0", WebConfig: webConfig}
	registry := metrics.NewRegistry()
	s, err := port.Open(c, handler(registry, e, nil), registry, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s.Addr().String()
}

// certificate makes a self-signed certificate for 127.0.0.1 in dir.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "agent"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return pool
}

func TestTLSAndPassword(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir)
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "web.yml")
	text := "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nbasic_auth_users:\n  prometheus: " + string(hash) + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := serve(t, file, &engine{})
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: pool},
	}}
	tests := map[string]struct {
		scheme, user, password string
		want                   int
	}{
		"right password": {"https", "prometheus", "secret", http.StatusOK},
		"wrong password": {"https", "prometheus", "Secret", http.StatusUnauthorized},
		"unknown user":   {"https", "root", "secret", http.StatusUnauthorized},
		"nobody":         {"https", "", "", http.StatusUnauthorized},
		"without TLS":    {"http", "prometheus", "secret", http.StatusBadRequest},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequest(http.MethodGet, tt.scheme+"://"+address+"/metrics", nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.user != "" {
				request.SetBasicAuth(tt.user, tt.password)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != tt.want {
				t.Errorf("status %d, want %d", response.StatusCode, tt.want)
			}
		})
	}
}

func TestBadWebConfigIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key":    "tls: {}\n",
		"no such file":   "tls_server_config: {cert_file: absent.pem, key_file: absent.pem}\n",
		"plain password": "basic_auth_users: {prometheus: secret}\n",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "web.yml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := port.Open(config.HTTP{Listen: "127.0.0.1:0", WebConfig: file}, http.NotFoundHandler(), metrics.NewRegistry(), zap.NewNop())
			if err == nil || !strings.Contains(err.Error(), "http.webConfig") {
				t.Errorf("listen = %v, want an error that names http.webConfig", err)
			}
		})
	}
}

// TestWedgedReader blocks the engine of a running agent.
func TestWedgedReader(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := testConfig(t)
	a := &agent{config: c, log: zaptest.NewLogger(t), registry: metrics.NewRegistry()}
	closers, err := a.open(io.Discard, false)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	r := &running{t: t, config: c}
	eventually(t, "readyz", func() bool { return r.get("/readyz") == "ok\n" })

	release := make(chan struct{})
	a.engine.post(ctx, func() { <-release })
	eventually(t, "healthz tells it", func() bool { return strings.Contains(r.get("/healthz"), "the reader has not turned") })
	if got := r.get("/readyz"); !strings.Contains(got, "the reader has not turned") {
		t.Errorf("readyz = %q", got)
	}
	close(release)
	eventually(t, "healthz recovers", func() bool { return r.get("/healthz") == "ok\n" })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, closer := range closers {
		if err := closer.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestLostHook removes the pin of one hook: whatever it would see after the
// agent's end would be lost.
func TestLostHook(t *testing.T) {
	c := testConfig(t)
	bpffs := t.TempDir()
	if err := unix.Mount("bpffs", bpffs, "bpf", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(bpffs, 0); err != nil {
			t.Error(err)
		}
	})
	c.Sensor.PinPath = filepath.Join(bpffs, "bobwatch")
	r := start(t, c)
	if text := r.get("/metrics"); !strings.Contains(text, "bobwatch_ready 1\n") || !strings.Contains(text, `bobwatch_hook_attached{hook="handle_exec"} 1`) {
		t.Error("metrics do not say that the agent is ready")
	}
	pins, err := filepath.Glob(filepath.Join(c.Sensor.PinPath, "*", "link_handle_exec"))
	if err != nil || len(pins) != 1 {
		t.Fatalf("pins %q, %v", pins, err)
	}
	if err := os.Remove(pins[0]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "readyz names it", func() bool { return strings.Contains(r.get("/readyz"), "hook handle_exec") })
	if text := r.get("/metrics"); !strings.Contains(text, "bobwatch_ready 0\n") || !strings.Contains(text, `bobwatch_hook_attached{hook="handle_exec"} 0`) {
		t.Error("metrics do not say that a hook is lost")
	}
	r.stop()
	if err := os.RemoveAll(c.Sensor.PinPath); err != nil {
		t.Error(err)
	}
}

func TestNoRecordsIsNotReady(t *testing.T) {
	h := &health{metrics: &metrics.Counters{}}
	h.ready.Store(true)
	h.metrics.Beat.Store(time.Now().UnixNano())
	if err := h.detecting(); err == nil || !strings.Contains(err.Error(), "not tested yet") {
		t.Errorf("detecting = %v before the first self-test", err)
	}
	h.hooks.Store(&[]sensor.Hook{{Name: "handle_exec"}})
	h.metrics.SelfTest.Store(host.SinceBoot().Nanoseconds())
	if err := h.detecting(); err != nil {
		t.Errorf("detecting = %v", err)
	}
	h.metrics.SelfTest.Store(host.SinceBoot().Nanoseconds() - int64(2*maxSelfTestAge))
	if err := h.detecting(); err == nil || !strings.Contains(err.Error(), "records do not arrive") {
		t.Errorf("detecting = %v without a record for long", err)
	}
}

func TestNodeWithoutRuntimeIsNotReady(t *testing.T) {
	h := &health{metrics: &metrics.Counters{}}
	h.ready.Store(true)
	h.metrics.Beat.Store(time.Now().UnixNano())
	h.hooks.Store(&[]sensor.Hook{{Name: "handle_exec"}})
	h.metrics.SelfTest.Store(host.SinceBoot().Nanoseconds())
	var err error
	h.resolver, err = workload.New(workload.Options{Sockets: []string{filepath.Join(t.TempDir(), "none.sock")}})
	if err != nil {
		testenv.Skip(t, "needs cgroup v2: %v", err)
	}
	t.Cleanup(func() { _ = h.resolver.Close() })
	if err := h.detecting(); err != nil {
		t.Errorf("detecting = %v on a machine, whose workloads may be services", err)
	}
	h.cluster = true
	if err := h.detecting(); err == nil || !strings.Contains(err.Error(), "no containerd answers") {
		t.Errorf("detecting = %v on a node without a runtime", err)
	}
}

func TestMetricsFollowConventions(t *testing.T) {
	families, err := Metrics()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if len(families) == 0 || families[0].GetType() == dto.MetricType_UNTYPED {
		t.Error("no metrics, or without a type")
	}
}
