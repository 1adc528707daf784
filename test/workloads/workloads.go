// Package workloads holds real programs in containers, and the load that keeps
// them busy: what the demo and the end-to-end tests learn and attack.
//
// Load of two rounds differs in what a client chooses (addresses, pages, keys)
// and in nothing else.
package workloads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"bobwatch/internal/testenv"
)

// Workload is a program in an image and what its clients do.
type Workload struct {
	Name  string
	Image testenv.Image
	// Entrypoint is the path that its first execve names.
	Entrypoint string
	// Ready returns nil once the container k answers.
	Ready func(ctx context.Context, k *testenv.Container) error
	// Load keeps k busy for some two seconds. It fails if k does not answer.
	Load func(ctx context.Context, k *testenv.Container, round int) error
}

// All returns the five workloads.
func All(ctx context.Context) ([]Workload, error) {
	base, err := testenv.Debian(ctx)
	if err != nil {
		return nil, err
	}
	server, err := Build(ctx, "./test/workloads/goserver")
	if err != nil {
		return nil, err
	}
	return []Workload{Webapp(base), Redis(base), Nginx(base), GoServer(server), Script(base)}, nil
}

// Start runs w as a new container and returns when it answers.
func Start(ctx context.Context, c *testenv.Containerd, w Workload, spec testenv.ContainerSpec) (*testenv.Container, error) {
	spec.Image = w.Image.Ref
	k, err := c.Run(ctx, spec)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := w.Ready(ctx, k)
		if err == nil {
			return k, nil
		}
		if pause(ctx, 20*time.Millisecond) != nil || !k.Running() {
			log, _ := os.ReadFile(k.Log)
			err = fmt.Errorf("wait for %s: %w; its log: %s", k.ID, err, log)
			return nil, errors.Join(err, k.Stop(context.WithoutCancel(ctx)))
		}
	}
}

// Build compiles the program in a directory of this module, as the Makefile
// does, and returns it.
func Build(ctx context.Context, pkg string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "bobwatch-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "program")
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find module: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", out, pkg)
	cmd.Dir = string(root[:len(root)-1])
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w: %s", pkg, err, text)
	}
	return os.ReadFile(out)
}

// get fetches a page from within k's network.
func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
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
		return "", fmt.Errorf("get %s: %s", url, res.Status)
	}
	return string(body), nil
}

// answers returns a Ready that asks for url.
func answers(url string) func(context.Context, *testenv.Container) error {
	return func(ctx context.Context, k *testenv.Container) error {
		client := k.Client()
		defer client.CloseIdleConnections()
		_, err := get(ctx, client, url)
		return err
	}
}

// pause waits for d or until ctx ends, whose error it then returns.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// fetch gets each of the URLs, over connections of its own.
func fetch(ctx context.Context, k *testenv.Container, urls []string) error {
	client := k.Client()
	defer client.CloseIdleConnections()
	for _, url := range urls {
		if _, err := get(ctx, client, url); err != nil {
			return err
		}
	}
	return nil
}
