package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
)

// scene is one picture. play returns the frames of a recording; without any,
// the terminal is drawn as it is at the end.
type scene struct {
	name   string
	height int // of the terminal, in rows
	play   func(context.Context, *stage) (frames []string, err error)
}

var scenes = []scene{
	{"record", 7, record},
	{"show", 60, lines("bobctl show ping.yaml")},
	{"trace", 60, lines("bobctl trace -- cat /etc/hostname")},
	{"summary", 60, lines("bobctl summary -- sh -c 'cat /etc/hostname; ls /etc/apt'")},
	{"check", 40, lines("bobctl check webapp.yaml broken.yaml")},
	{"diff", 40, lines("bobctl diff webapp.yaml webapp-next.yaml")},
	{"verify", 40, lines(
		"bobctl key generate vendor",
		"bobctl sign webapp.yaml --key vendor.key",
		"bobctl verify webapp.yaml --key vendor.pub",
		"sed 's|/etc/[*]|/*|' webapp.yaml | bobctl verify - --bundle webapp.sigstore.json --key vendor.pub",
	)},
	{"registry", 60, published},
	{"alert", 40, alert},
	{"allow", 40, allow},
}

// lines plays command lines, one after the other.
func lines(commands ...string) func(context.Context, *stage) ([]string, error) {
	return func(ctx context.Context, s *stage) ([]string, error) {
		for _, command := range commands {
			if err := s.terminal.run(ctx, command); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

// Where the ping page is.
const (
	address = "127.0.0.1:8089"
	server  = "busybox httpd -f -p " + address + " -h www"
	page    = "/cgi-bin/ping?"
)

// visit asks for a page, and gives the server some time to start.
func visit(ctx context.Context, host, path string) error {
	var err error
	for range 50 {
		var request *http.Request
		if request, err = http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+path, http.NoBody); err != nil {
			return err
		}
		var response *http.Response
		if response, err = http.DefaultClient.Do(request); err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			return errors.Join(err, response.Body.Close())
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// record shows the counter while a server is recorded under load.
func record(ctx context.Context, s *stage) ([]string, error) {
	if err := s.terminal.start(ctx, "bobctl record --for 10s -o ping.yaml -- "+server); err != nil {
		return nil, err
	}
	var frames []string
	for i := range 18 {
		time.Sleep(500 * time.Millisecond)
		for visitor := range 3 {
			if i < 3 || i > 12 {
				break // let it be quiet
			}
			if err := visit(ctx, address, fmt.Sprintf("%s127.0.%d.%d", page, visitor, i)); err != nil {
				return nil, err
			}
		}
		frame, err := s.terminal.capture(ctx)
		if err != nil {
			return nil, err
		}
		frames = append(frames, frame)
	}
	if err := s.terminal.wait(ctx); err != nil {
		return nil, err
	}
	last, err := s.terminal.capture(ctx)
	return append(frames, last), err
}

// published shows how a document goes by a registry, to an image that is there.
func published(ctx context.Context, s *stage) ([]string, error) {
	const host = "localhost:5055"
	config := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %s}\n", s.path("registry"), host)
	if err := s.write("registry.yml", config); err != nil {
		return nil, err
	}
	if err := s.serve("docker-registry", "serve", s.path("registry.yml")); err != nil {
		return nil, err
	}
	image := host + "/acme/webapp"
	if err := pushImage(ctx, image, "1.4.2"); err != nil {
		return nil, err
	}
	return lines(
		"bobctl push webapp.yaml oci://"+image+" --image "+image+":1.4.2 --key vendor.key",
		"mkdir customer && cp vendor.pub customer && cd customer",
		"bobctl pull --image "+image+":1.4.2 --key vendor.pub",
		"bobctl inspect --image "+image+":1.4.2 --key vendor.pub",
	)(ctx, s)
}

// pushImage stores an image without content.
func pushImage(ctx context.Context, name, tag string) error {
	repository, err := remote.NewRepository(name)
	if err != nil {
		return err
	}
	repository.PlainHTTP = true
	config := []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`)
	d := content.NewDescriptorFromBytes(ocispec.MediaTypeImageConfig, config)
	for range 50 {
		if err = repository.Blobs().Push(ctx, d, bytes.NewReader(config)); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond) // it may not listen yet
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: d, Layers: []ocispec.Descriptor{},
	})
	if err != nil {
		return err
	}
	manifest := content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, text)
	return repository.PushReference(ctx, manifest, bytes.NewReader(text), tag)
}

// cgroup is the service that the agent guards, below the root of the hierarchy.
const cgroup = "bobwatch-screens.slice/ping.service"

// agentConfig needs the directory, three times.
const agentConfig = `stateDir: %[1]s/state
containerd: {sockets: []}
cgroups: {patterns: [/` + cgroup + `]}
profiles:
  directory: %[1]s/profiles
  trust:
    authorities:
    - {name: ops, keyFile: %[1]s/vendor.pub, workloads: [{namespace: "*", name: "*"}]}
sensor: {pinPath: ""}
`

// alert lets the agent guard the ping page by what was recorded, and attacks
// it.
func alert(ctx context.Context, s *stage) ([]string, error) {
	if err := s.guard(ctx); err != nil {
		return nil, err
	}
	if err := s.terminal.start(ctx, "agent -config agent.yaml -o text 2>agent.log"); err != nil {
		return nil, err
	}
	if err := s.await(ctx, "agent.log", "document in force"); err != nil {
		return nil, err
	}
	join := fmt.Sprintf("echo $$ >%s/cgroup.procs && LC_ALL=C PATH=%s:$PATH exec %s", s.cgroup(), s.path("bin"), server)
	if err := s.serve("sh", "-c", join); err != nil {
		return nil, err
	}
	for _, path := range []string{page + "127.0.0.1", "/index.html", page + "127.0.0.1%3Bcat%20/etc/shadow"} {
		if err := visit(ctx, address, path); err != nil {
			return nil, err
		}
		time.Sleep(2 * time.Second)
	}
	frame, err := s.terminal.capture(ctx)
	if err != nil {
		return nil, err
	}
	text, err := s.terminal.text(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.write("alerts.txt", text); err != nil {
		return nil, err
	}
	return []string{frame}, s.terminal.interrupt(ctx)
}

// guard lays out what the agent needs to guard the ping page.
func (s *stage) guard(ctx context.Context) error {
	if err := os.MkdirAll(s.cgroup(), 0o755); err != nil {
		return err
	}
	if err := s.write("agent.yaml", fmt.Sprintf(agentConfig, s.dir)); err != nil {
		return err
	}
	patch := `[{"op":"replace","path":"/spec/workload","value":{"kind":"Service","name":"ping"}},
		{"op":"replace","path":"/spec/containers/0/name","value":"ping"}]`
	if err := s.write("patch.json", patch); err != nil {
		return err
	}
	quiet := "mkdir profiles; bobctl patch ping.yaml --json patch.json --out profiles/ping.yaml && bobctl sign profiles/ping.yaml --key vendor.key"
	if err := s.terminal.run(ctx, quiet+"; clear"); err != nil {
		return err
	}
	if _, err := os.Stat(s.path("profiles/ping.sigstore.json")); err != nil {
		return fmt.Errorf("sign what was recorded: %w", err)
	}
	return nil
}

// await waits until a file has a text.
func (s *stage) await(ctx context.Context, name, text string) error {
	for range 100 {
		if data, err := os.ReadFile(s.path(name)); err == nil && strings.Contains(string(data), text) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%s does not say %q", name, text)
}

// cgroup returns the directory of the guarded service.
func (s *stage) cgroup() string { return filepath.Join(hierarchy(), cgroup) }

// hierarchy returns where the cgroup v2 hierarchy is mounted.
func hierarchy() string {
	if _, err := os.Stat("/sys/fs/cgroup/unified/cgroup.procs"); err == nil {
		return "/sys/fs/cgroup/unified"
	}
	return "/sys/fs/cgroup"
}

// removeCgroup removes the cgroup and its parent.
func removeCgroup() error {
	for _, dir := range []string{cgroup, filepath.Dir(cgroup)} {
		if err := os.Remove(filepath.Join(hierarchy(), dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// allow accepts that the server has a page more, by the command in the alert.
func allow(ctx context.Context, s *stage) ([]string, error) {
	text, err := os.ReadFile(s.path("alerts.txt"))
	if err != nil {
		return nil, err
	}
	command := regexp.MustCompile(`bobctl allow .*/index\.html .*`).FindString(string(text))
	if command == "" {
		return nil, fmt.Errorf("no alert tells how to accept the page: %s", text)
	}
	return lines(
		strings.TrimSpace(command)+" --file ours.yaml",
		"bobctl sign ours.yaml --key vendor.key && mv ours.* profiles/",
		"bobctl show profiles/ours.yaml",
	)(ctx, s)
}
