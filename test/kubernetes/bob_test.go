package kubernetes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/profile/documents"

	appsv1 "k8s.io/api/apps/v1"

	corev1 "k8s.io/api/core/v1"

	"bobwatch/internal/profile"
	"bobwatch/internal/report"
	"bobwatch/internal/testenv"
	"bobwatch/test/workloads"
)

// story is the way of a Bill of Behavior from the vendor of the web application
// to a customer, with nothing but bobctl and a registry.
type story struct {
	*lab
	dir      string // where both work
	registry *testenv.Registry
	image    string // the vendor's, by digest
	artifact string // the document's digest
}

// TestBillOfBehavior: a vendor records the page that pings, signs the document
// and publishes it beside the image. A customer runs the application under
// another name, in another namespace, on another node and with other addresses
// and another probe; pulls the document by the image, tests it, accepts what
// differs, and puts both into force.
func TestBillOfBehavior(t *testing.T) {
	l := newLab(t)
	s := &story{lab: l, dir: t.TempDir(), registry: testenv.NewRegistry(t)}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	s.pushImage(t)

	s.record(t)
	s.publish(t)
	s.mustRefuse(t)

	s.pull(t)
	w := l.newWebapp(t, "store")
	w.name = "front"
	mark := l.alerts.mark()
	w.deploy(t, 1, likeTheCustomer(l.Nodes[1].Name))
	s.accept(t, w)
	s.install(t, w)

	s.mustRefuseTampered(t, w)
	w.kubectl(t, "rollout", "restart", "deployment/front")
	w.rollout(t)
	w.loadFor(t, 10*time.Second)
	l.silent(t, mark, w.namespace)
	for _, p := range w.pods(t) {
		for _, program := range []string{"cat", "id", "tac"} {
			mark := l.alerts.mark()
			w.inject(t, p, program+" /etc/passwd")
			a := l.alerts.await(t, mark, "injected "+program, executed(p.Name, "/usr/bin/"+program))
			if a.Workload.Name != "front" || a.Node != l.Nodes[1].Name {
				t.Errorf("alert is about %s on %s", a.Workload.Name, a.Node)
			}
		}
	}
}

// likeTheCustomer deploys without learning, on one node, with a probe that the
// vendor does not know of.
func likeTheCustomer(node string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		withoutWindow(d)
		onNode(node)(d)
		d.Spec.Template.Spec.Containers[0].LivenessProbe = &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"nl", "/etc/hostname"}}},
			PeriodSeconds: 2,
		}
	}
}

func onNode(node string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.NodeSelector = map[string]string{"kubernetes.io/hostname": node}
	}
}

// file returns the path of a file of the story.
func (s *story) file(name string) string { return filepath.Join(s.dir, name) }

// bobctl runs bobctl where the files are; it has to end with a code and to say
// something.
func (s *story) bobctl(t *testing.T, code int, want string, args ...string) string {
	t.Helper()
	out, complaint, got := s.try(t, args...)
	if said := out + complaint; got != code || !strings.Contains(said, want) {
		t.Fatalf("bobctl %s: got exit code %d and\n%s\nwant %d and %q", strings.Join(args, " "), got, said, code, want)
	}
	t.Logf("bobctl %s: %d\n%s", strings.Join(args, " "), code, complaint)
	return out
}

func (s *story) try(t *testing.T, args ...string) (out, complaint string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.lab.bobctl, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), noPass, "KUBECONFIG="+s.Kubeconfig)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// repository is the vendor's.
func (s *story) repository() string { return s.registry.Host + "/acme/webapp" }

// pushImage publishes the image that runs in the cluster.
func (s *story) pushImage(t *testing.T) {
	t.Helper()
	base, err := testenv.Debian(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	image := workloads.Webapp(base).Image
	archive, err := testenv.Archive(image)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	file, err := os.Create(s.file("image.tar"))
	if err == nil {
		_, err = io.Copy(file, archive)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	skopeo := testenv.Command(t, "skopeo")
	digest := s.file("digest")
	out, err := exec.CommandContext(t.Context(), skopeo, "copy", "--insecure-policy", "--dest-tls-verify=false", "--digestfile", digest,
		"docker-archive:"+file.Name()+":"+image.Ref, "docker://"+s.repository()+":1.4.2").CombinedOutput()
	if err != nil {
		t.Fatalf("skopeo copy: %v: %s", err, out)
	}
	text, err := os.ReadFile(digest)
	if err != nil {
		t.Fatal(err)
	}
	s.image = s.repository() + "@" + string(text)
}

// record is done by the vendor: the application starts and serves on the first
// node while bobctl there watches it.
func (s *story) record(t *testing.T) {
	t.Helper()
	w := s.newWebapp(t, "acme")
	w.deploy(t, 1, onNode(s.Nodes[0].Name))
	recorder := exec.CommandContext(t.Context(), filepath.Join(s.Programs, "kubectl"),
		"exec", "--namespace", release, s.agentOn(t, s.Nodes[0].Name).pod.Name, "--",
		"/bobctl", "record", "--workload", "acme/deploy/webapp", "--for", "40s")
	recorder.Env = append(os.Environ(), "KUBECONFIG="+s.Kubeconfig)
	var out, complaint bytes.Buffer
	recorder.Stdout, recorder.Stderr = &out, &complaint
	if err := recorder.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second) // it has loaded its programs by then
	w.kubectl(t, "rollout", "restart", "deployment/webapp")
	w.rollout(t)
	w.loadFor(t, 20*time.Second)
	if err := recorder.Wait(); err != nil {
		t.Fatalf("bobctl record: %v\n%s", err, complaint.String())
	}
	t.Logf("bobctl record: %s", complaint.String())
	documents, err := documents.Parse("recorded", out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	s.release(t, documents[0])
}

// release makes of what was recorded what the vendor ships: for any workload of
// a label, with the clients' addresses for the customer to fill in.
func (s *story) release(t *testing.T, p *profile.Profile) {
	t.Helper()
	if p.Spec.Provenance.From != "start" {
		t.Errorf("what was recorded is from %s", p.Spec.Provenance.From)
	}
	p.Metadata = profile.Metadata{Name: "webapp", Version: "1.4.2"}
	p.Spec.Workload = profile.Workload{Kind: "Deployment", Labels: map[string]string{"app": "webapp"}}
	p.Spec.Parameters = []profile.Parameter{{
		Name: "clientCIDR", Kind: profile.ParameterCIDR, Default: "10.81.0.0/16", WidestPrefix: 8, Description: "where clients come from",
	}}
	p.Spec.Containers[0].Network.Ingress = []profile.Neighbor{{
		Type: "internal", IPAddresses: []string{"$(clientCIDR)"}, Ports: []profile.Port{{Protocol: "TCP", Port: "80"}},
	}}
	text, err := profile.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "vendor/webapp.yaml", string(text))
}

func (s *story) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.file(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *story) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.file(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// key returns the path of a key of the vendor or of the customer.
func (s *story) key(name string) string { return filepath.Join(s.lab.dir, name) }

var digestPattern = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// publish is done by the vendor.
func (s *story) publish(t *testing.T) {
	t.Helper()
	s.bobctl(t, 0, "", "check", "vendor/webapp.yaml")
	out := s.bobctl(t, 0, "", "push", "vendor/webapp.yaml", "oci://"+s.repository()+":bob-1.4.2",
		"--image", s.image, "--key", s.key("vendor.key"))
	_, image, _ := strings.Cut(s.image, "@")
	for _, digest := range digestPattern.FindAllString(out, -1) {
		if digest != image {
			s.artifact = digest
			break
		}
	}
	if s.artifact == "" {
		t.Fatalf("push names no digest: %s", out)
	}
}

// mustRefuse wants a customer kept from what is not the vendor's, with a
// sentence that says what to do.
func (s *story) mustRefuse(t *testing.T) {
	t.Helper()
	s.bobctl(t, 0, "keep it", "key", "generate", "stranger")
	s.bobctl(t, 3, "ask its vendor for the right key", "pull", "--image", s.image, "--key", "stranger.pub", "--out", "no.yaml")

	s.bobctl(t, 0, "", "push", "vendor/webapp.yaml", "oci://"+s.registry.Host+"/acme/unsigned:1")
	s.bobctl(t, 3, "cosign sign", "pull", "oci://"+s.registry.Host+"/acme/unsigned:1", "--key", s.key(vendorPub), "--out", "no.yaml")

	// Somebody moves the vendor's tag, and another pull goes by the digest.
	s.write(t, "stranger.yaml", strings.Replace(s.read(t, "vendor/webapp.yaml"), "execs:\n", "execs:\n    - path: /usr/bin/nc\n", 1))
	moved := "oci://" + s.registry.Host + "/acme/webapp:moved"
	s.bobctl(t, 0, "", "tag", "oci://"+s.repository()+"@"+s.artifact, "moved")
	s.bobctl(t, 0, "", "push", "stranger.yaml", moved, "--key", "stranger.key")
	s.bobctl(t, 3, "do not use it", "pull", moved, "--key", s.key(vendorPub), "--out", "no.yaml")
	s.bobctl(t, 3, "the tag was moved", "pull", moved, "--digest", s.artifact, "--key", s.key(vendorPub), "--out", "no.yaml")
	if _, err := os.Stat(s.file("no.yaml")); err == nil {
		t.Error("something was written")
	}
}

// pull is done by the customer, who knows the image and the vendor's key.
func (s *story) pull(t *testing.T) {
	t.Helper()
	s.bobctl(t, 0, s.artifact, "pull", "--image", s.image, "--key", s.key(vendorPub), "--out", "webapp.yaml")
	s.bobctl(t, 0, "verified", "verify", "webapp.yaml", "--key", s.key(vendorPub))
	s.write(t, "webapp.values.yaml", "clientCIDR: 10.91.0.0/16\n")
	bound := s.bobctl(t, 0, "", "render", "webapp.yaml", "--parameters", "webapp.values.yaml")
	if !strings.Contains(bound, "10.91.0.0/16") || strings.Contains(bound, "clientCIDR") {
		t.Errorf("rendered:\n%s", bound)
	}
	s.write(t, "wide.values.yaml", "clientCIDR: 0.0.0.0/0\n")
	s.bobctl(t, 1, "clientCIDR", "render", "webapp.yaml", "--parameters", "wide.values.yaml")
}

// accept tests the document on the customer's workload, and accepts what the
// probe does.
func (s *story) accept(t *testing.T, w *webapp) {
	t.Helper()
	test := func(code int, args ...string) *report.Report {
		t.Helper()
		return w.test(t, code, nil, append([]string{
			s.file("webapp.yaml"), "--values", s.file("webapp.values.yaml"), "--workload", "store/deploy/front",
		}, args...)...)
	}
	r := test(3, "--html", s.file("report.html"), "--junit", s.file("report.xml"))
	probe := false
	for _, d := range r.Deviations() {
		probe = probe || strings.HasPrefix(d.Act, "execution of /usr/bin/nl")
		if d.Allow == "" {
			t.Fatalf("nothing accepts %s", d.Act)
		}
		// The customer pastes the command.
		line := strings.Replace(d.Allow, "bobctl ", s.lab.bobctl+" ", 1) + " --file " + s.file("allowances.yaml")
		if out, err := exec.CommandContext(t.Context(), "bash", "-c", line).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
	if !probe {
		t.Errorf("the probe is not reported: %+v", r.Groups)
	}
	if r := test(0, "--baseline", s.file("allowances.yaml")); r.Verdict != report.Passed {
		t.Errorf("with the allowances: %s %+v", r.Verdict, r.Groups)
	}
}

// install joins what the vendor and the customer allow, publishes it in the
// customer's name, and puts it into force.
func (s *story) install(t *testing.T, w *webapp) {
	t.Helper()
	s.bobctl(t, 0, "", "merge", "--workload", "store/Deployment/front", "webapp.yaml", "allowances.yaml", "--out", "front.yaml")
	own := "oci://" + s.registry.Host + "/store/bobs"
	s.bobctl(t, 0, "", "push", "front.yaml", own+":front-1", "--key", s.key("customer.key"))
	s.bobctl(t, 0, "", "tag", own+":front-1", "stable")
	s.bobctl(t, 0, "", "pull", own+":stable", "--key", s.key(customerPub), "--out", "stable.yaml")
	s.write(t, "stable.values.yaml", s.read(t, "webapp.values.yaml"))
	install := []string{
		"install", "stable.yaml", "--name", "front", "--values", "stable.values.yaml",
		"--key", s.key(customerPub), "--namespace", w.namespace, "--yes",
	}
	s.bobctl(t, 0, "is in force on 2 nodes", install...)
	s.bobctl(t, 0, "is installed already", install...)
	eventually(t, "guarded workload", func() error {
		if out, complaint, code := s.try(t, "status", "--namespace", w.namespace); code != 0 || !strings.Contains(out, "guarded") {
			return fmt.Errorf("exit code %d and\n%s%s", code, out, complaint)
		}
		return nil
	})
}

// mustRefuseTampered changes the document on its way into the cluster.
func (s *story) mustRefuseTampered(t *testing.T, w *webapp) {
	t.Helper()
	for _, name := range []string{"stable.yaml", "stable.sigstore.json", "stable.yaml.sig"} {
		if text, err := os.ReadFile(s.file(name)); err == nil {
			s.write(t, "changed/"+name, string(text))
		}
	}
	s.write(t, "changed/stable.yaml", strings.Replace(s.read(t, "stable.yaml"), "execs:\n", "execs:\n    - path: /usr/bin/tac\n", 1))
	s.bobctl(t, 3, "do not use it", "verify", "changed/stable.yaml", "--key", s.key(customerPub))
	s.bobctl(t, 3, "do not use it", "install", "changed/stable.yaml", "--name", "front", "--key", s.key(customerPub),
		"--values", "stable.values.yaml", "--namespace", w.namespace, "--yes")
}
