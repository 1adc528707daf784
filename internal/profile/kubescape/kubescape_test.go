package kubescape

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/yamlfile"
)

// onlyProfile reads a file that has to hold one document.
func onlyProfile(t testing.TB, file, text string) *profile.Profile {
	t.Helper()
	profiles, err := parseObjects(file, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(profiles) != 1 {
		t.Fatalf("%s: got %d documents, want 1", file, len(profiles))
	}
	return profiles[0]
}

// roundTrip writes every document in both forms and compares what is read
// back.
func roundTrip(t testing.TB, profiles []*profile.Profile) {
	t.Helper()
	for _, want := range profiles {
		for _, form := range []Form{Pair, ContainerProfile} {
			text, err := Marshal(want, form)
			if errors.Is(err, errNameless) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			got := onlyProfile(t, "exported", string(text))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("form %d of %s, read again (-want +got):\n%s\n%s", form, want.Metadata.Name, diff, text)
			}
		}
	}
}

func TestKubescapeFiles(t *testing.T) {
	files, err := filepath.Glob("../testdata/kubescape/*")
	if err != nil || len(files) < 12 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.Contains(file, "template") || strings.Contains(file, "rejected") || strings.HasSuffix(file, ".md") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			profiles, err := parseObjects(file, data)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, profiles)
			for _, p := range profiles {
				m, err := match.Compile(p.Spec.Containers, match.Options{Arch: "amd64"})
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range p.Spec.Containers {
					if calls := m.Syscalls(); len(c.Syscalls["amd64"]) > calls.Len() {
						t.Errorf("%d of %d system calls are compiled", calls.Len(), len(c.Syscalls["amd64"]))
					}
				}
				own, err := profile.Marshal(p)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(p, ours(t, own)); diff != "" {
					t.Errorf("own form, read again (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// readTestdata returns the documents of a file in testdata/kubescape.
func readTestdata(t testing.TB, name string) []*profile.Profile {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../testdata/kubescape", name))
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := parseObjects(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return profiles
}

// An ApplicationProfile and a NetworkNeighborhood of one workload, in a List,
// the wrong way round, become one document with what either says.
func TestKubescapeJoin(t *testing.T) {
	profiles := readTestdata(t, "variant-list.json")
	if len(profiles) != 1 {
		t.Fatalf("got %d documents, want 1", len(profiles))
	}
	spec := profiles[0].Spec
	want := profile.Workload{Namespace: "shop", Kind: "Deployment", Name: "orders", Labels: map[string]string{"app": "orders"}}
	if diff := cmp.Diff(want, spec.Workload); diff != "" {
		t.Errorf("workload (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(profile.Provenance{Completeness: profile.Partial, LearnedFor: "2m"}, spec.Provenance); diff != "" {
		t.Errorf("provenance (-want +got):\n%s", diff)
	}
	if len(spec.Containers) != 2 {
		t.Fatalf("got %d containers, want 2", len(spec.Containers))
	}
	app, sidecar := spec.Containers[0], spec.Containers[1]
	if diff := cmp.Diff(map[string][]string{"amd64": {"open", "openat", "read"}, "arm64": {"openat", "read"}}, app.Syscalls); diff != "" {
		t.Errorf("syscalls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"unknown"}, app.Kubescape["syscalls"]); diff != "" {
		t.Errorf("unknown syscalls (-want +got):\n%s", diff)
	}
	for _, key := range []string{"identifiedCallStacks", "rulePolicies", "seccompProfile"} {
		if app.Kubescape[key] == nil {
			t.Errorf("%s is lost", key)
		}
	}
	images := []string{
		"docker.io/library/node:20-alpine",
		"docker.io/node@sha256:fb4cd12c85ee03686f6af5362a0b0d56d50c58a04632e6c0fb8363f609372293",
	}
	if images[1] = imageName("docker-pullable://node@sha256:fb4cd12c85ee03686f6af5362a0b0d56d50c58a04632e6c0fb8363f609372293"); cmp.Diff(images, app.Images) != "" {
		t.Errorf("images %v, want %v", app.Images, images)
	}
	ingress := app.Network.Ingress[0]
	if diff := cmp.Diff([]string{"10.0.0.0/8", "10.42.0.1"}, ingress.IPAddresses); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	kept := map[string]any{"podSelector": map[string]any{}, "ipAddresses": []any{"somewhere"}, "dnsNames": []any{"."}}
	if diff := cmp.Diff(kept, ingress.Kubescape); diff != "" {
		t.Errorf("kept of the neighbor (-want +got):\n%s", diff)
	}
	if len(sidecar.Network.Egress) != 2 {
		t.Errorf("two peers that only serviceRef tells apart became %d", len(sidecar.Network.Egress))
	}
}

func TestKubescapeBinding(t *testing.T) {
	const document = "apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1\nkind: ContainerProfile\n"
	tests := map[string]struct {
		metadata  string
		spec      string
		want      profile.Workload
		container string
		typ       profile.ContainerType
	}{
		"labels": {
			metadata:  "{name: x, namespace: n, labels: {kubescape.io/workload-kind: Deployment, kubescape.io/workload-name: web, kubescape.io/workload-namespace: m, kubescape.io/workload-container-name: c}}",
			want:      profile.Workload{Namespace: "m", Kind: "Deployment", Name: "web"},
			container: "c",
		},
		"labels of a ReplicaSet": {
			metadata: "{name: x, labels: {kubescape.io/workload-kind: Replicaset, kubescape.io/workload-name: web-d87cdd796}}",
			want:     profile.Workload{Kind: "Deployment", Name: "web"},
		},
		"ReplicaSet with its hash": {
			metadata: "{name: x, labels: {kubescape.io/workload-kind: ReplicaSet, kubescape.io/workload-name: web-abc, kubescape.io/instance-template-hash: abc}}",
			want:     profile.Workload{Kind: "Deployment", Name: "web"},
		},
		"ReplicaSet of nobody": {
			metadata: "{name: x, labels: {kubescape.io/workload-kind: ReplicaSet, kubescape.io/workload-name: web-front}}",
			want:     profile.Workload{Kind: "ReplicaSet", Name: "web-front"},
		},
		"wlid": {
			metadata: "{name: x, annotations: {kubescape.io/wlid: wlid://cluster-a-b/namespace-my-ns/statefulset-my-db}}",
			want:     profile.Workload{Namespace: "my-ns", Kind: "StatefulSet", Name: "my-db"},
		},
		"instance id": {
			metadata:  "{name: x, annotations: {kubescape.io/instance-id: apiVersion-apps/v1/namespace-n/kind-ReplicaSet/name-silly-demo-6bc44c5d45/initContainerName-set-up}}",
			want:      profile.Workload{Namespace: "n", Kind: "Deployment", Name: "silly-demo"},
			container: "set-up", typ: profile.ContainerInit,
		},
		"instance id in lower case": {
			metadata: "{name: x, annotations: {kubescape.io/instance-id: apiVersion-v1/namespace-n/kind-deployment/name-redis/containerName-redis}}",
			want:     profile.Workload{Namespace: "n", Kind: "Deployment", Name: "redis"}, container: "redis",
		},
		"type by annotation": {
			metadata:  "{name: x, labels: {kubescape.io/workload-name: w, kubescape.io/workload-container-name: c}, annotations: {kubescape.io/workload-container-type: ephemeralContainers}}",
			want:      profile.Workload{Name: "w"},
			container: "c", typ: profile.ContainerEphemeral,
		},
		"selector": {
			metadata: "{name: redis, namespace: n}", spec: "matchLabels: {app: redis}",
			want: profile.Workload{Namespace: "n", Labels: map[string]string{"app": "redis"}},
		},
		"by name alone": {
			metadata: "{name: redis, namespace: n}",
			want:     profile.Workload{Namespace: "n", Labels: map[string]string{"kubescape.io/user-defined-profile": "redis"}},
		},
		"nonsense": {
			metadata: "{name: x, annotations: {kubescape.io/wlid: web, kubescape.io/instance-id: //-/}}",
			want:     profile.Workload{Labels: map[string]string{"kubescape.io/user-defined-profile": "x"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := onlyProfile(t, "f", document+"metadata: "+tt.metadata+"\nspec: {execs: [{path: /x}], "+strings.TrimSpace(tt.spec)+"}\n")
			if diff := cmp.Diff(tt.want, p.Spec.Workload); diff != "" {
				t.Errorf("workload (-want +got):\n%s", diff)
			}
			c := p.Spec.Containers[0]
			if c.Name != tt.container || c.Type != tt.typ {
				t.Errorf("container %q of type %q, want %q, %q", c.Name, c.Type, tt.container, tt.typ)
			}
			roundTrip(t, []*profile.Profile{p})
		})
	}
}

func TestKubescapeCompleteness(t *testing.T) {
	tests := map[string]struct {
		status, completion string
		want               profile.Completeness
	}{
		"by hand":           {want: ""},
		"done":              {status: "completed", completion: "complete", want: profile.Complete},
		"start not seen":    {status: "completed", completion: "partial", want: profile.Partial},
		"no completion":     {status: "completed", want: profile.Partial},
		"still learning":    {status: "ready", completion: "complete", want: profile.Learning},
		"just started":      {status: "initializing", completion: "partial", want: profile.Learning},
		"gave up":           {status: "too-large", completion: "complete", want: profile.Partial},
		"failed":            {status: "failed", want: profile.Partial},
		"status of the day": {status: "perfect", completion: "complete", want: profile.Partial},
		"no status":         {completion: "complete", want: profile.Partial},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			annotations := ""
			if tt.status != "" {
				annotations += "    kubescape.io/status: " + tt.status + "\n"
			}
			if tt.completion != "" {
				annotations += "    kubescape.io/completion: " + tt.completion + "\n"
			}
			p := onlyProfile(t, "f", "apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1\nkind: ApplicationProfile\n"+
				"metadata:\n  name: x\n  annotations:\n"+annotations+"spec: {containers: [{name: c}]}\n")
			if got := p.Spec.Provenance.Completeness; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			roundTrip(t, []*profile.Profile{p})
		})
	}
}

// An edited document is written as it is now, whatever its annotations once
// said.
func TestKubescapeExportOfEdited(t *testing.T) {
	p := readTestdata(t, "ap-redis-kind.yaml")[0]
	p.Spec.Workload = profile.Workload{Namespace: "prod", Kind: "Deployment", Name: "cache"}
	p.Spec.Provenance.Completeness = profile.Complete
	text, err := Marshal(p, Pair)
	if err != nil {
		t.Fatal(err)
	}
	got := onlyProfile(t, "exported", string(text))
	if diff := cmp.Diff(p.Spec, got.Spec); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What a document speaks for survives the way there and back.
func TestKubescapeSenses(t *testing.T) {
	p := readTestdata(t, "ap-redis-kind.yaml")[0]
	p.Spec.Senses = []profile.Sense{profile.SenseExecs, profile.SenseNetwork}
	roundTrip(t, []*profile.Profile{p})
	text := `apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1
kind: ContainerProfile
metadata: {name: x, annotations: {bobwatch/senses: smell}}
spec: {opens: [{path: /a}]}
`
	if p := onlyProfile(t, "f", text); p.Spec.Senses != nil || p.Metadata.Annotations["bobwatch/senses"] != "smell" {
		t.Errorf("of an annotation that is none of ours: senses %v, annotations %v", p.Spec.Senses, p.Metadata.Annotations)
	}
}

// A document that spoke for what Kubescape has no place for would allow nothing of
// it when it is read again.
func TestKubescapeSensesWithoutAPlace(t *testing.T) {
	for name, network := range map[string]profile.Network{
		"sockets": {Sockets: []string{"netlink"}},
		"listens": {Listens: []profile.Port{{Protocol: "TCP", Port: "80"}}},
		"groups":  {Egress: []profile.Neighbor{{Entities: []string{"private"}}}},
	} {
		p := readTestdata(t, "ap-redis-kind.yaml")[0]
		p.Spec.Senses = profile.AllSenses
		p.Spec.Containers[0].Network = network
		p.Spec.Containers[0].Changes = []profile.Change{{Path: "/x", Acts: []string{"rename"}}}
		text, err := Marshal(p, ContainerProfile)
		if err != nil {
			t.Fatal(err)
		}
		got := onlyProfile(t, name, string(text)).Spec.Senses
		want := []profile.Sense{profile.SenseCapabilities, profile.SenseExecs, profile.SenseOpens, profile.SenseSyscalls}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: senses (-want +got):\n%s", name, diff)
		}
		if losses := Losses(p); len(losses) < 2 {
			t.Errorf("%s: losses %q", name, losses)
		}
	}
}

func TestKubescapeExportWantsValues(t *testing.T) {
	p := &profile.Profile{Spec: profile.Spec{Parameters: []profile.Parameter{{Name: "x", Kind: profile.ParameterPort}}}}
	if text, err := Marshal(p, Pair); err == nil {
		t.Errorf("got %s, want an error", text)
	}
}

func TestKubescapeErrors(t *testing.T) {
	const head = "apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1\n"
	tests := map[string]struct{ text, want string }{
		"recursive wildcard": {
			text: head + "kind: NetworkNeighborhood\nmetadata: {name: x}\nspec:\n  containers:\n  - name: c\n    egress:\n    - dnsNames:\n      - \"**.a.b\"\n",
			want: "f:9:9: spec.containers[0].egress[0].dnsNames[0]",
		},
		"recursive wildcard, old field": {
			text: head + "kind: ContainerProfile\nmetadata: {name: x}\nspec:\n  egress:\n  - dns: a.**\n",
			want: "f:6:10: spec.egress[0].dns",
		},
		"other kind":        {text: head + "kind: SBOMSyft\n", want: `f:1:11: kind "SBOMSyft"`},
		"other kind listed": {text: "apiVersion: v1\nkind: List\nitems:\n- {kind: Pod}\n", want: `items[0]: kind "Pod"`},
		"no name":           {text: head + "kind: ApplicationProfile\nspec: {}\n", want: "needs a name"},
		"template":          {text: head + "kind: ApplicationProfile\nmetadata: {name: x, labels: {a: $values.name}}\n", want: "render the template first"},
		"list of a mapping": {text: head + "kind: ApplicationProfile\nmetadata: {name: x}\nspec: {containers: {name: c}}\n", want: "spec.containers: want a list"},
		"mapping of a list": {text: head + "kind: ApplicationProfile\nmetadata: {name: x}\nspec: {containers: [[a]]}\n", want: "spec.containers[0]: want a mapping"},
		"string of a list":  {text: head + "kind: ContainerProfile\nmetadata: {name: x}\nspec: {opens: [{path: [a]}]}\n", want: "spec.opens[0].path: want a string"},
		"flag":              {text: head + "kind: ContainerProfile\nmetadata: {name: x}\nspec: {opens: [{path: a, flags: [O-X]}]}\n", want: "spec.opens[0].flags"},
		"boolean":           {text: head + "kind: ContainerProfile\nmetadata: {name: x}\nspec: {execs: [{path: a, argsRequired: maybe}]}\n", want: "true or false"},
		"headers":           {text: head + "kind: ContainerProfile\nmetadata: {name: x}\nspec: {endpoints: [{endpoint: a, headers: '{'}]}\n", want: "headers"},
		"container without a name": {
			text: head + "kind: ApplicationProfile\nmetadata: {name: x}\nspec:\n  initContainers:\n  - {name: c}\n  - syscalls: [read]\n",
			want: "spec.initContainers[1]: a container needs a name",
		},
		"all at once": {text: head + "kind: ContainerProfile\nmetadata: {name: x}\nspec: {opens: 1, execs: 2}\n", want: "spec.execs: want a list"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			profiles, err := parseObjects("f", []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want error %q", profiles, err, tt.want)
			}
		})
	}
}

func TestKubescapeExportOfNameless(t *testing.T) {
	p := &profile.Profile{Spec: profile.Spec{Containers: []profile.Container{{Opens: []profile.Open{{Path: "/a"}}}}}}
	if text, err := Marshal(p, Pair); !errors.Is(err, errNameless) {
		t.Errorf("pair: %s, %v, want errNameless", text, err)
	}
	if _, err := Marshal(p, ContainerProfile); err != nil {
		t.Errorf("ContainerProfile: %v", err)
	}
}

func TestRejectedFile(t *testing.T) {
	const file = "../testdata/kubescape/nn-recursive-star-rejected.yaml"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parseObjects(file, data)
	if want := file + ":30:9: spec.egress[0].dnsNames[0]"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an error at %s", err, want)
	}
}

// FuzzKubescape holds the reader to its promise: what it accepts can be
// written in both forms and is the same when read again, and is a valid
// document of ours too.
func FuzzKubescape(f *testing.F) {
	files, err := filepath.Glob("../testdata/kubescape/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 8<<10 {
			f.Add(string(data))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		profiles, err := parseObjects("f", []byte(text))
		if err != nil || len(profiles) == 0 {
			return
		}
		for _, p := range profiles {
			canonical, err := p.Canonical()
			if err != nil {
				t.Fatal(err)
			}
			again := ours(t, canonical)
			if diff := cmp.Diff(p, again); diff != "" {
				t.Errorf("canonical form, read again (-want +got):\n%s\n%s", diff, canonical)
			}
		}
		roundTrip(t, profiles)
	})
}

// parseObjects reads the objects of one input.
func parseObjects(file string, data []byte) ([]*profile.Profile, error) {
	docs, err := yamlfile.Documents(file, data)
	if err != nil {
		return nil, err
	}
	return Parse(file, docs)
}

// ours reads one Bill of Behavior.
func ours(t testing.TB, text []byte) *profile.Profile {
	t.Helper()
	profiles, err := profile.Parse("ours", text)
	if err != nil {
		t.Fatal(err)
	}
	if len(profiles) != 1 {
		t.Fatalf("got %d documents, want 1", len(profiles))
	}
	return profiles[0]
}
