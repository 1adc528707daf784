package profile

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pick returns some of the choices, in any order and with repetitions.
func pick(r *rand.Rand, choices ...string) []string {
	var picked []string
	for range r.IntN(4) {
		picked = append(picked, choices[r.IntN(len(choices))])
	}
	return picked
}

func one[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

// several returns up to three values of make.
func several[T any](r *rand.Rand, make func() T) []T {
	var values []T
	for range r.IntN(4) {
		values = append(values, make())
	}
	return values
}

// randomProfile makes a document of one workload out of few names, so that two
// of them often say something of the same thing.
func randomProfile(r *rand.Rand) *Profile {
	p := &Profile{
		APIVersion: APIVersion,
		Kind:       Kind,
		Metadata:   Metadata{Name: one(r, "a", "b"), Version: one(r, "", "1", "2"), Labels: randomTexts(r), Annotations: randomTexts(r)},
		Spec: Spec{
			Workload:  Workload{Kind: "Deployment", Labels: map[string]string{}},
			Kubescape: randomKept(r, 2),
			Senses:    several(r, func() Sense { return one(r, AllSenses...) }),
			Provenance: Provenance{
				LearnedFor:   one(r, "", "24h", "1440m", "1h"),
				From:         one(r, "", "start", "attach"),
				Completeness: one(r, "", Complete, Learning, Partial),
				Lost:         r.Uint64N(3),
				Kernels:      pick(r, "6.1", "6.12"),
			},
		},
	}
	p.Metadata.Name = one(r, "", "ug-") + p.Metadata.Name
	if r.IntN(2) == 0 {
		p.Metadata.Annotations["kubescape.io/managed-by"] = one(r, "User", "other")
	}
	if r.IntN(2) == 0 {
		p.Metadata.Labels[AllowanceLabel] = one(r, "true", "true", "false")
	}
	if r.IntN(2) == 0 {
		p.Spec.Parameters = []Parameter{{Name: "cidr", Kind: ParameterCIDR, Description: one(r, "", "x", "y")}}
	}
	p.Spec.Containers = several(r, func() Container { return randomContainer(r) })
	return p
}

func randomContainer(r *rand.Rand) Container {
	neighbor := func() Neighbor {
		return Neighbor{
			Type:        one(r, "", "internal"),
			DNSNames:    pick(r, "a.example", "*.example"),
			IPAddresses: pick(r, "10.0.0.1", "10.0.0.0/8"),
			Ports:       several(r, func() Port { return Port{Port: one(r, "80", "443")} }),
			PodSelector: randomKept(r, 1),
		}
	}
	return Container{
		Name:     one(r, "x", "y"),
		Type:     one(r, "", ContainerRegular, ContainerInit),
		Images:   pick(r, "i", "j"),
		Syscalls: map[string][]string{one(r, "amd64", "arm64"): pick(r, "read", "stat", "newfstatat", "mount")},
		Execs: several(r, func() Exec {
			return Exec{Path: one(r, "/bin/sh", "/bin/⋯"), Args: pick(r, "sh", "⋯", "⋯⋯"), ArgsRequired: r.IntN(2) == 0}
		}),
		Opens: several(r, func() Open {
			return Open{Path: one(r, "/a", "/a/*", "/⋯"), Flags: pick(r, "O_RDONLY", "O_WRONLY", "O_CREAT", "O_PATH")}
		}),
		Support:      pick(r, "descriptors/1", "kernel/1", "libc/1"),
		Capabilities: pick(r, "SYS_ADMIN", "CHOWN"),
		Network:      Network{Egress: several(r, neighbor), Ingress: several(r, neighbor)},
		Endpoints: several(r, func() Endpoint {
			return Endpoint{Endpoint: one(r, ":80/a", ":0/b"), Methods: pick(r, "GET", "PUT"), Headers: map[string][]string{}}
		}),
		Kubescape: randomKept(r, 3),
	}
}

func randomTexts(r *rand.Rand) map[string]string {
	texts := make(map[string]string)
	for _, key := range pick(r, "k", "l") {
		texts[key] = one(r, "", "1", "2")
	}
	return texts
}

func randomKept(r *rand.Rand, depth int) map[string]any {
	kept := make(map[string]any)
	for _, key := range pick(r, "p", "q") {
		kept[key] = randomValue(r, depth)
	}
	return kept
}

func randomValue(r *rand.Rand, depth int) any {
	if depth == 0 {
		return one[any](r, "s", "t", int64(1), true)
	}
	switch r.IntN(3) {
	case 0:
		return randomKept(r, depth-1)
	case 1:
		list := []any{}
		for range r.IntN(3) {
			list = append(list, randomValue(r, depth-1))
		}
		return list
	}
	return randomValue(r, 0)
}

func canonical(tb testing.TB, p *Profile) string {
	tb.Helper()
	text, err := p.Canonical()
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func mustMerge(tb testing.TB, a, b *Profile) *Profile {
	tb.Helper()
	merged, err := Merge(a, b)
	if err != nil {
		tb.Fatal(err)
	}
	return merged
}

func TestMergeLaws(t *testing.T) {
	checkMergeLaws(t, rand.New(rand.NewPCG(3, 4)), 300)
}

func checkMergeLaws(t *testing.T, r *rand.Rand, rounds int) {
	t.Helper()
	for range rounds {
		a, b, c := randomProfile(r), randomProfile(r), randomProfile(r)
		before := canonical(t, a)
		ab, ba := mustMerge(t, a, b), mustMerge(t, b, a)
		if diff := cmp.Diff(ab, ba); diff != "" {
			t.Fatalf("Merge is not commutative (-ab +ba):\n%s", diff)
		}
		if diff := cmp.Diff(mustMerge(t, ab, c), mustMerge(t, a, mustMerge(t, b, c))); diff != "" {
			t.Fatalf("Merge is not associative (-(ab)c +a(bc)):\n%s", diff)
		}
		if diff := cmp.Diff(Normalise(a), mustMerge(t, a, a)); diff != "" {
			t.Fatalf("Merge is not idempotent (-a +aa):\n%s", diff)
		}
		if diff := cmp.Diff(ab, mustMerge(t, ab, a)); diff != "" {
			t.Fatalf("Merge does not absorb (-ab +aba):\n%s", diff)
		}
		if got, want := ab.IsAllowance(), a.IsAllowance() && b.IsAllowance(); got != want {
			t.Fatalf("Merge makes an allowance: %t, want %t", got, want)
		}
		for name, part := range map[string]*Profile{"a": a, "b": b} {
			if missing := Covers(ab, part); len(missing) > 0 {
				t.Fatalf("Merge does not cover %s: %s", name, jsonText(missing))
			}
		}
		if after := canonical(t, a); after != before {
			t.Fatalf("Merge changed its argument from\n%s to\n%s", before, after)
		}
	}
}

func FuzzMerge(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, seed1, seed2 uint64) {
		checkMergeLaws(t, rand.New(rand.NewPCG(seed1, seed2)), 1)
	})
}

func TestMerge(t *testing.T) {
	parse := func(spec string) *Profile {
		return mustParse(t, "apiVersion: bobwatch/v1alpha1\nkind: BillOfBehavior\nmetadata: {name: web}\nspec:\n"+spec)
	}
	tests := map[string]struct{ a, b, want string }{
		"access joins": {
			"  containers: [{name: w, opens: [{path: /a, flags: [O_RDONLY]}]}]",
			"  containers: [{name: w, opens: [{path: /a, flags: [O_WRONLY]}]}]",
			"  containers: [{name: w, opens: [{path: /a, flags: [O_RDONLY, O_WRONLY]}]}]",
		},
		"every access stays every access": {
			"  containers: [{name: w, opens: [{path: /a, flags: [O_CLOEXEC]}]}]",
			"  containers: [{name: w, opens: [{path: /a, flags: [O_RDONLY]}]}]",
			"  containers: [{name: w, opens: [{path: /a, flags: [O_CLOEXEC]}]}]",
		},
		"containers of different types stay apart": {
			"  containers: [{name: w}]", "  containers: [{name: w, type: init}]",
			"  containers: [{name: w, type: container}, {name: w, type: init}]",
		},
		"neighbors stay whole": {
			"  containers: [{name: w, network: {egress: [{ipAddresses: [10.0.0.1], ports: [{port: '80'}]}]}}]",
			"  containers: [{name: w, network: {egress: [{ipAddresses: [10.0.0.2], ports: [{port: '22'}]}]}}]",
			"  containers: [{name: w, network: {egress: [{ipAddresses: [10.0.0.1], ports: [{port: '80'}]}, {ipAddresses: [10.0.0.2], ports: [{port: '22'}]}]}}]",
		},
		"senses join": {
			"  senses: [opens]\n  containers: []", "  senses: [network, opens]\n  containers: []",
			"  senses: [opens, network]\n  containers: []",
		},
		"silence about senses stands for three": {
			"  containers: [{name: w, opens: [{path: /a}]}]", "  senses: [network]\n  containers: []",
			"  senses: [network, opens, execs, syscalls]\n  containers: [{name: w, opens: [{path: /a}]}]",
		},
		"what is partial wins": {
			"  provenance: {completeness: complete, from: start, lost: 0, learnedFor: 24h}",
			"  provenance: {completeness: partial, from: attach, lost: 7, learnedFor: 90m}",
			"  provenance: {completeness: partial, from: attach, lost: 7, learnedFor: 24h}",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := mustMerge(t, parse(tt.a), parse(tt.b))
			if diff := cmp.Diff(parse(tt.want), got); diff != "" {
				t.Errorf("Merge (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	base := randomProfile(rand.New(rand.NewPCG(5, 6)))
	base.Spec.Parameters = []Parameter{{Name: "c", Kind: ParameterCIDR, WidestPrefix: 8}}
	workload, parameter := *base, *base
	workload.Spec.Workload.Name = "other"
	parameter.Spec.Parameters = []Parameter{{Name: "c", Kind: ParameterCIDR, WidestPrefix: 4}}
	for want, other := range map[string]*Profile{"different workloads": &workload, `parameter "c"`: &parameter} {
		if _, err := Merge(base, other); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Merge: %v, want %q", err, want)
		}
	}
}

// TestCanonical writes one document in several ways.
func TestCanonical(t *testing.T) {
	const want = `{"apiVersion":"bobwatch/v1alpha1","kind":"BillOfBehavior","metadata":{"labels":{"a":"1","b":"2"},"name":"web"},` +
		`"spec":{"containers":[{"name":"w","opens":[{"flags":["O_CREAT","O_WRONLY"],"path":"/a/⋯"},{"path":"/z"}],` +
		`"syscalls":{"amd64":["read","write"]}}]}}`
	spellings := map[string]string{
		"flow": `{"kind": "BillOfBehavior", "apiVersion": "bobwatch/v1alpha1", "metadata": {"name": "web", "labels": {"b": "2", "a": "1"}},
			"spec": {"containers": [{"name": "w", "opens": [{"path": "/z"}, {"path": "/a/\u22ef", "flags": ["O_WRONLY", "O_CREAT"]}],
			"syscalls": {"amd64": ["write", "read", "write"]}, "execs": null}]}}`,
		"block": "apiVersion: 'bobwatch/v1alpha1' # version\nkind: BillOfBehavior\nmetadata:\n  labels:\n    a: \"1\"\n    b: '2'\n  name: web\n" +
			"spec:\n  provenance: {}\n  parameters: []\n  containers:\n  - type: container\n    name: w\n    capabilities: []\n    syscalls:\n      arm64: []\n      amd64: [read, write]\n" +
			"    opens:\n    - flags: [O_CREAT]\n      path: /a/⋯\n    - path: /z\n    - flags: [O_WRONLY]\n      path: /a/⋯\n",
	}
	spellings["block"] = strings.Replace(spellings["block"], "flags: [O_CREAT]", "flags: [O_CREAT, O_WRONLY]", 1)
	for name, text := range spellings {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, canonical(t, mustParse(t, text))); diff != "" {
				t.Errorf("Canonical (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCanonicalIgnoresOrder shuffles every list of many documents.
func TestCanonicalIgnoresOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		p := randomProfile(r)
		want := canonical(t, p)
		shuffle(r, p.Spec.Containers)
		for i := range p.Spec.Containers {
			c := &p.Spec.Containers[i]
			shuffle(r, c.Execs)
			shuffle(r, c.Opens)
			shuffle(r, c.Capabilities)
			shuffle(r, c.Network.Egress)
			shuffle(r, c.Endpoints)
			for _, names := range c.Syscalls {
				shuffle(r, names)
			}
			for j := range c.Opens {
				shuffle(r, c.Opens[j].Flags)
			}
		}
		if got := canonical(t, p); got != want {
			t.Fatalf("Canonical = %s\nwant %s", got, want)
		}
	}
}

func shuffle[T any](r *rand.Rand, s []T) {
	r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

// TestCanonicalTellsApart changes one text at a time.
func TestCanonicalTellsApart(t *testing.T) {
	base := native("    opens: [{path: /a, flags: [O_RDONLY]}]\n    execs: [{path: /b, args: [b]}]\n")
	seen := map[string]string{canonical(t, mustParse(t, base)): base}
	for _, change := range [][2]string{
		{"name: web}", "name: wed}"},
		{"- name: web", "- name: wed"},
		{"/a", "/c"},
		{"O_RDONLY", "O_WRONLY"},
		{"[b]", "[c]"},
		{"[b]", "[b, b]"},
		{"args: [b]", "args: [b], argsRequired: true"},
		{"args: [b]", "args: []"},
	} {
		text := strings.Replace(base, change[0], change[1], 1)
		bytes := canonical(t, mustParse(t, text))
		if other, ok := seen[bytes]; ok {
			t.Errorf("the same canonical bytes for\n%s\nand\n%s", other, text)
		}
		seen[bytes] = text
	}
}
