package testenv

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Registry is a container registry of one's own: Debian's docker-registry, on
// loopback, without TLS, and without the referrers API.
type Registry struct {
	Host string // address and port
	Dir  string // where it stores everything
}

// registryConfig needs the directory and the address.
const registryConfig = `version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: true}
http: {addr: %s}
`

// NewRegistry starts a registry for a test, and stops it when the test ends.
func NewRegistry(t testing.TB) *Registry {
	t.Helper()
	return startRegistry(t, "")
}

// NewPrivateRegistry starts one that wants a password.
func NewPrivateRegistry(t testing.TB, user, password string) *Registry {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "htpasswd")
	if err := os.WriteFile(file, fmt.Appendf(nil, "%s:%s\n", user, hash), 0o600); err != nil {
		t.Fatal(err)
	}
	return startRegistry(t, "auth: {htpasswd: {realm: test, path: "+file+"}}\n")
}

func startRegistry(t testing.TB, more string) *Registry {
	t.Helper()
	program := Command(t, "docker-registry")
	dir := t.TempDir()
	r := &Registry{Host: freeAddress(t), Dir: filepath.Join(dir, "data")}
	config := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(config, []byte(fmt.Sprintf(registryConfig, r.Dir, r.Host)+more), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", config)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
		log.Close()
	})
	for range 500 {
		response, err := http.Get("http://" + r.Host + "/v2/")
		if err == nil {
			response.Body.Close()
			return r
		}
		time.Sleep(10 * time.Millisecond)
	}
	text, _ := os.ReadFile(log.Name())
	t.Fatalf("docker-registry does not answer on %s: %s", r.Host, text)
	return nil
}

// freeAddress returns an address of loopback where nothing listens yet.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
