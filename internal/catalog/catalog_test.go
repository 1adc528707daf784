package catalog

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
	"bobwatch/internal/signature"
)

// webapp is a document with all that a catalog looks at. Its one comment and
// its spaces are there to be flipped.
const webapp = `apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: webapp, version: 1.4.2}  # a comment
spec:
  parameters: [{name: dataDir, kind: segment, default: data}]
  workload: {kind: Deployment, name: webapp, labels: {app: web}}
  containers:
  - name: web
    syscalls: {amd64: [read, write]}
    opens: [{path: /srv/$(dataDir)/index.html, flags: [O_RDONLY]}]
  - name: setup
    type: init
    execs: [{path: /bin/sh, args: [sh, -c, "true"]}]
`

// shop is the workload that webapp is for.
var shop = profile.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp", Labels: map[string]string{"app": "web", "tier": "1"}}

// minimal is a document that allows its container one open.
func minimal(workload, path string) []byte {
	return fmt.Appendf(nil, `apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: test}
spec:
  workload: {%s}
  containers:
  - name: web
    opens: [{path: %s, flags: [O_RDONLY]}]
`, workload, path)
}

// signer is someone whose key a policy knows as vendor.
type signer struct{ key crypto.Signer }

func newSigner(t testing.TB) signer {
	t.Helper()
	key, err := signature.GenerateKey(signature.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key}
}

// sign signs the one document in data.
func (s signer) sign(t testing.TB, data []byte) *signature.Signature {
	t.Helper()
	profiles, err := documents.Parse("test.yaml", data)
	if err != nil || len(profiles) != 1 {
		t.Fatalf("Parse = %d documents, %v", len(profiles), err)
	}
	canonical, err := profiles[0].Canonical()
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signature.Sign(s.key, canonical)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// policy trusts the signer with the workloads, by default all.
func (s signer) policy(t testing.TB, workloads ...signature.Scope) signature.Policy {
	t.Helper()
	public, err := signature.MarshalPublicKey(s.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if workloads == nil {
		workloads = []signature.Scope{{Namespace: "*", Name: "*"}}
	}
	return signature.Policy{Authorities: []signature.Authority{{Name: "vendor", Key: string(public), Workloads: workloads}}}
}

// recorder is a catalog that remembers what it reported.
type recorder struct {
	*Catalog
	registry *prometheus.Registry
	refused  []Refusal
	accepted []Acceptance
}

func newRecorder(t testing.TB, policy signature.Policy) *recorder {
	t.Helper()
	verifier, err := signature.NewVerifier(policy)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{registry: prometheus.NewRegistry()}
	r.Catalog = New(Options{
		Verifier:   verifier,
		Refused:    func(x Refusal) { r.refused = append(r.refused, x) },
		Accepted:   func(x Acceptance) { r.accepted = append(r.accepted, x) },
		Registerer: r.registry,
	})
	return r
}

// takeRefusals returns the reasons reported since the last call.
func (r *recorder) takeRefusals() []Reason {
	var reasons []Reason
	for _, x := range r.refused {
		reasons = append(reasons, x.Reason)
	}
	r.refused = nil
	return reasons
}

// opens returns the paths that the workload's container web may open.
func (r *recorder) opens(w profile.Workload) []string {
	var paths []string
	for _, c := range r.For(Query{Workload: w, Container: "web", Type: profile.ContainerRegular}).Containers {
		for _, o := range c.Opens {
			paths = append(paths, o.Path)
		}
	}
	return paths
}

func accepting(namespaces ...string) signature.Policy {
	var p signature.Policy
	for _, n := range namespaces {
		p.Unsigned = append(p.Unsigned, signature.UnsignedRule{Namespace: n, Action: signature.Accept})
	}
	return p
}

func TestFor(t *testing.T) {
	vendor := newSigner(t)
	r := newRecorder(t, vendor.policy(t))
	r.Publish("test", []Document{{Name: "webapp", Data: []byte(webapp), Signatures: [][]byte{vendor.sign(t, []byte(webapp)).Plain()}}})
	if r.refused != nil {
		t.Fatalf("refused: %v", r.refused[0].Err)
	}
	with := func(change func(*profile.Workload)) profile.Workload {
		w := shop
		change(&w)
		return w
	}
	tests := map[string]struct {
		workload  profile.Workload
		container string
		typ       profile.ContainerType
		want      bool
	}{
		"named":               {shop, "web", profile.ContainerRegular, true},
		"type left out":       {shop, "web", "", true},
		"init":                {shop, "setup", profile.ContainerInit, true},
		"wrong type":          {shop, "setup", profile.ContainerRegular, false},
		"another container":   {shop, "sidecar", profile.ContainerRegular, false},
		"another namespace":   {with(func(w *profile.Workload) { w.Namespace = "bank" }), "web", "", true},
		"another kind":        {with(func(w *profile.Workload) { w.Kind = "DaemonSet" }), "web", "", false},
		"another name":        {with(func(w *profile.Workload) { w.Name = "db" }), "web", "", false},
		"label missing":       {with(func(w *profile.Workload) { w.Labels = nil }), "web", "", false},
		"label of other text": {with(func(w *profile.Workload) { w.Labels = map[string]string{"app": "db"} }), "web", "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := r.For(Query{Workload: tt.workload, Container: tt.container, Type: tt.typ}).Containers; (len(got) == 1) != tt.want || len(got) > 1 {
				t.Errorf("For = %d entries, want some %t", len(got), tt.want)
			}
		})
	}
}

func TestDocumentsAreAdditive(t *testing.T) {
	r := newRecorder(t, accepting("shop"))
	r.Publish("a", []Document{
		{Name: "one", Data: minimal("name: webapp", "/one")},
		{Name: "two", Data: minimal("namespace: shop", "/two")},
		{Name: "three", Data: minimal("name: db", "/three")},
	})
	r.Publish("b", []Document{{Name: "one", Data: minimal("", "/four")}})
	if diff := cmp.Diff([]string{"/one", "/two", "/four"}, r.opens(shop)); diff != "" {
		t.Errorf("opens (-want +got):\n%s", diff)
	}
}

// Allowances alone make no profile, and a container is told the worst of what
// its documents say of themselves.
func TestForTellsWhatTheDocumentsAre(t *testing.T) {
	document := func(name, metadata, completeness string) Document {
		return Document{Name: name, Data: fmt.Appendf(nil, `apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: %s%s}
spec:
  containers: [{name: web, opens: [{path: /%s}]}]
  provenance: {completeness: %s}
`, name, metadata, name, completeness)}
	}
	allowance := document("allowance", ", labels: {bobwatch/allowance: \"true\"}", "partial")
	complete, learning := document("complete", "", "complete"), document("learning", "", "learning")
	tests := map[string]struct {
		documents        []Document
		wantBase         bool
		wantCompleteness profile.Completeness
	}{
		"none":           {nil, false, ""},
		"only allowance": {[]Document{allowance}, false, ""},
		"with allowance": {[]Document{allowance, complete}, true, profile.Complete},
		"worst counts":   {[]Document{complete, learning}, true, profile.Learning},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t, accepting("shop"))
			r.Publish("test", tt.documents)
			got := r.For(Query{Workload: shop, Container: "web"})
			if got.Base != tt.wantBase || got.Completeness != tt.wantCompleteness || len(got.Containers) != len(tt.documents) {
				t.Errorf("For = %+v, want %d containers, base %t, completeness %q",
					got, len(tt.documents), tt.wantBase, tt.wantCompleteness)
			}
		})
	}
}

// A pinned document is the only profile that counts; allowances add to it.
func TestPinnedDocument(t *testing.T) {
	document := func(name, metadata string) Document {
		return Document{Name: name, Data: fmt.Appendf(nil, `apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: %s%s}
spec: {containers: [{name: web, opens: [{path: /%s}]}]}
`, name, metadata, name)}
	}
	r := newRecorder(t, accepting("shop"))
	r.Publish("test", []Document{
		document("stable", ""), document("next", ""), document("ours", `, labels: {bobwatch/allowance: "true"}`),
	})
	tests := map[string]struct {
		pinned   string
		want     []string
		wantBase bool
	}{
		"none":    {"", []string{"/next", "/ours", "/stable"}, true},
		"stable":  {"stable", []string{"/ours", "/stable"}, true},
		"missing": {"gone", []string{"/ours"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := r.For(Query{Workload: shop, Container: "web", Document: tt.pinned})
			var paths []string
			for _, c := range got.Containers {
				paths = append(paths, c.Opens[0].Path)
			}
			if diff := cmp.Diff(tt.want, paths); diff != "" || got.Base != tt.wantBase {
				t.Errorf("base %t, want %t; opens (-want +got):\n%s", got.Base, tt.wantBase, diff)
			}
		})
	}
}

func TestStates(t *testing.T) {
	vendor := newSigner(t)
	r := newRecorder(t, vendor.policy(t))
	data := minimal("namespace: shop", "/x")
	signed := Document{Name: "signed", Data: data, Signatures: [][]byte{vendor.sign(t, data).Plain()}}
	tampered := Document{Name: "signed", Data: minimal("namespace: shop", "/y"), Signatures: signed.Signatures}
	unsigned := Document{Name: "unsigned", Data: data}
	r.Publish("test", []Document{signed, unsigned})
	r.Publish("test", []Document{tampered, unsigned})
	states := r.States()
	if len(states) != 2 {
		t.Fatalf("%d states, want 2", len(states))
	}
	want := []State{
		{Source: "test", Name: "signed", Digest: tampered.Digest(), InForce: true, Authority: "vendor", Reason: ReasonSignature},
		{Source: "test", Name: "unsigned", Digest: unsigned.Digest(), Reason: ReasonUnsigned},
	}
	for i := range states {
		if states[i].Refused == nil {
			t.Errorf("%s: no reason for its refusal", states[i].Name)
		}
		states[i].Refused = nil
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("States (-want +got):\n%s", diff)
	}
}

// Whatever goes wrong with a new version, the last good one stays in force.
func TestFailClosed(t *testing.T) {
	vendor, stranger := newSigner(t), newSigner(t)
	good := minimal("namespace: shop", "/good")
	evil := minimal("namespace: shop", "/evil")
	elsewhere := minimal("namespace: bank", "/evil")
	accepted := Document{Name: "webapp", Data: good, Signatures: [][]byte{vendor.sign(t, good).Bundle()}}
	tests := map[string]struct {
		next Document
		want Reason
	}{
		"not YAML":          {Document{Data: []byte("{"), Signatures: accepted.Signatures}, ReasonParse},
		"empty":             {Document{Data: []byte("\n")}, ReasonParse},
		"unreadable":        {Document{Err: errors.New("input/output error")}, ReasonParse},
		"two documents":     {Document{Data: bytes.Join([][]byte{good, evil}, []byte("---\n")), Signatures: accepted.Signatures}, ReasonParse},
		"too large":         {Document{Data: bytes.Repeat([]byte("#"), MaxDocumentBytes+1)}, ReasonLimit},
		"unsigned":          {Document{Data: evil}, ReasonUnsigned},
		"other's signature": {Document{Data: evil, Signatures: accepted.Signatures}, ReasonSignature},
		"stranger's":        {Document{Data: evil, Signatures: [][]byte{stranger.sign(t, evil).Bundle()}}, ReasonUntrusted},
		"out of scope":      {Document{Data: elsewhere, Signatures: [][]byte{vendor.sign(t, elsewhere).Bundle()}}, ReasonScope},
		"another source":    {Document{Data: good, Signatures: accepted.Signatures, Namespace: "bank"}, ReasonScope},
		"unknown parameter": {Document{Data: good, Signatures: accepted.Signatures, Values: []byte("x: y\n")}, ReasonParameter},
		"values not flat":   {Document{Data: good, Signatures: accepted.Signatures, Values: []byte("x: {y: z}\n")}, ReasonParameter},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t, vendor.policy(t, signature.Scope{Namespace: "shop", Name: "*"}))
			r.Publish("test", []Document{accepted})
			before := r.Version()

			tt.next.Name = "webapp"
			r.Publish("test", []Document{tt.next})
			r.Publish("test", []Document{tt.next}) // seen already: no second report
			if len(r.refused) != 1 {
				t.Fatalf("%d refusals, want 1", len(r.refused))
			}
			got := r.refused[0]
			if got.Reason != tt.want || got.Source != "test" || got.Name != "webapp" || !got.InForce || got.Time.IsZero() {
				t.Errorf("Refusal = %+v (%v), want reason %s", got, got.Err, tt.want)
			}
			if diff := cmp.Diff([]string{"/good"}, r.opens(shop)); diff != "" {
				t.Errorf("in force (-want +got):\n%s", diff)
			}
			if r.Version() != before {
				t.Error("Version changed although what is in force did not")
			}
			want := fmt.Sprintf("# HELP bobwatch_document_refusals_total Versions of documents that were refused and have no effect, by reason.\n# TYPE bobwatch_document_refusals_total counter\nbobwatch_document_refusals_total{reason=%q} 1\n", tt.want)
			for _, other := range reasons {
				if other != tt.want {
					want += fmt.Sprintf("bobwatch_document_refusals_total{reason=%q} 0\n", other)
				}
			}
			if err := testutil.GatherAndCompare(r.registry, strings.NewReader(want), "bobwatch_document_refusals_total"); err != nil {
				t.Error(err)
			}

			r.Publish("test", []Document{{Name: "webapp", Data: evil, Signatures: [][]byte{vendor.sign(t, evil).Plain()}}})
			if diff := cmp.Diff([]string{"/evil"}, r.opens(shop)); diff != "" {
				t.Errorf("in force after a good version (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusedFromTheStartHasNoEffect(t *testing.T) {
	r := newRecorder(t, signature.Policy{})
	r.Publish("test", []Document{{Name: "webapp", Data: minimal("", "/evil")}})
	if got := r.opens(shop); got != nil {
		t.Errorf("in force: %q, want nothing", got)
	}
	if len(r.refused) != 1 || r.refused[0].InForce {
		t.Errorf("refused = %+v, want one that is not in force", r.refused)
	}
}

func TestRemoval(t *testing.T) {
	r := newRecorder(t, accepting("shop"))
	one := Document{Name: "one", Data: minimal("", "/one")}
	two := Document{Name: "two", Data: minimal("", "/two")}
	r.Publish("test", []Document{one, two})
	versions := map[uint64]bool{r.Version(): true}
	for _, step := range []struct {
		publish []Document
		want    []string
	}{
		{[]Document{two}, []string{"/two"}},
		{[]Document{one, two}, []string{"/one", "/two"}},
		{[]Document{one, {Name: "two", Err: errors.New("input/output error")}}, []string{"/one", "/two"}},
		{nil, nil},
	} {
		before := r.Version()
		r.Publish("test", step.publish)
		if diff := cmp.Diff(step.want, r.opens(shop)); diff != "" {
			t.Errorf("in force (-want +got):\n%s", diff)
		}
		versions[before] = true
	}
	if len(versions) < 3 {
		t.Errorf("%d versions, want every change to have its own", len(versions))
	}
}

// A document for any namespace has effect only where who vouches for it may
// vouch, and only in the namespace of its source, if that has one.
func TestEffectEndsWithTrust(t *testing.T) {
	vendor := newSigner(t)
	data := minimal("", "/x")
	signed := [][]byte{vendor.sign(t, data).Plain()}
	workload := func(namespace string) profile.Workload { return profile.Workload{Namespace: namespace, Name: "webapp"} }
	tests := map[string]struct {
		policy   signature.Policy
		document Document
		want     []string // of the namespaces shop and bank
	}{
		"everywhere":    {vendor.policy(t), Document{Signatures: signed}, []string{"shop", "bank"}},
		"vendor's":      {vendor.policy(t, signature.Scope{Namespace: "shop", Name: "*"}), Document{Signatures: signed}, []string{"shop"}},
		"other's":       {vendor.policy(t, signature.Scope{Namespace: "*", Name: "db"}), Document{Signatures: signed}, nil},
		"source's":      {vendor.policy(t), Document{Signatures: signed, Namespace: "bank"}, []string{"bank"}},
		"unsigned":      {accepting("shop"), Document{}, []string{"shop"}},
		"unsigned, own": {accepting("shop", "bank"), Document{Namespace: "shop"}, []string{"shop"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t, tt.policy)
			tt.document.Name, tt.document.Data = "webapp", data
			r.Publish("test", []Document{tt.document})
			var got []string
			for _, namespace := range []string{"shop", "bank"} {
				if r.opens(workload(namespace)) != nil {
					got = append(got, namespace)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("in force (-want +got):\n%s", diff)
			}
		})
	}
}

// A source that belongs to a namespace is told at once that it may not speak
// for another, or that nobody accepts its unsigned documents there.
func TestSourceMayNotSpeakForOthers(t *testing.T) {
	vendor := newSigner(t)
	policy := vendor.policy(t)
	policy.Unsigned = []signature.UnsignedRule{{Namespace: "shop", Action: signature.Accept}}
	named, unnamed := minimal("namespace: shop", "/x"), minimal("", "/x")
	tests := map[string]struct {
		document Document
		want     []Reason
	}{
		"signed for its own":     {Document{Namespace: "shop", Data: named, Signatures: [][]byte{vendor.sign(t, named).Plain()}}, nil},
		"signed for another":     {Document{Namespace: "bank", Data: named, Signatures: [][]byte{vendor.sign(t, named).Plain()}}, []Reason{ReasonScope}},
		"unsigned, accepted":     {Document{Namespace: "shop", Data: unnamed}, nil},
		"unsigned, not accepted": {Document{Namespace: "bank", Data: unnamed}, []Reason{ReasonUnsigned}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t, policy)
			r.Publish("test", []Document{tt.document})
			if diff := cmp.Diff(tt.want, r.takeRefusals()); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParametersStayOutsideOfTheSignature(t *testing.T) {
	vendor := newSigner(t)
	r := newRecorder(t, vendor.policy(t))
	signed := [][]byte{vendor.sign(t, []byte(webapp)).Bundle()}
	for _, step := range []struct {
		values string
		want   string
		reason []Reason
	}{
		{"", "/srv/data/index.html", nil},
		{"dataDir: \"0644\"\n", "/srv/0644/index.html", nil},
		{"# ours\ndataDir: 0644  # not an octal number\n", "/srv/0644/index.html", nil},
		{"dataDir: ../etc\n", "/srv/0644/index.html", []Reason{ReasonParameter}},
		{"dataDir: '*'\n", "/srv/0644/index.html", []Reason{ReasonParameter}},
		{"dataDir: &a x\n", "/srv/0644/index.html", []Reason{ReasonParameter}},
	} {
		d := Document{Name: "webapp", Data: []byte(webapp), Signatures: signed}
		if step.values != "" {
			d.Values = []byte(step.values)
		}
		r.Publish("test", []Document{d})
		if diff := cmp.Diff([]string{step.want}, r.opens(shop)); diff != "" {
			t.Errorf("values %q: opens (-want +got):\n%s", step.values, diff)
		}
		if diff := cmp.Diff(step.reason, r.takeRefusals()); diff != "" {
			t.Errorf("values %q: refusals (-want +got):\n%s", step.values, diff)
		}
	}
}

func TestAcceptanceNamesTheAuthority(t *testing.T) {
	vendor := newSigner(t)
	policy := vendor.policy(t)
	policy.Unsigned = []signature.UnsignedRule{{Namespace: "lab", Action: signature.Warn}}
	r := newRecorder(t, policy)
	data := minimal("namespace: lab", "/x")
	r.Publish("test", []Document{
		{Name: "signed", Data: data, Signatures: [][]byte{vendor.sign(t, data).Plain()}},
		{Name: "unsigned", Data: data},
	})
	got := make(map[string]string)
	for _, a := range r.accepted {
		got[a.Name] = fmt.Sprintf("%q warn=%t", a.Trust.Authority, a.Trust.Warn)
	}
	want := map[string]string{"signed": `"vendor" warn=false`, "unsigned": `"" warn=true`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
}

// TestAnyFlip flips every bit of a document's file and of its signature. What
// is not refused has to be the very same document: the signature is over the
// canonical bytes, which a comment or another space does not change.
func TestAnyFlip(t *testing.T) {
	vendor := newSigner(t)
	signed := vendor.sign(t, []byte(webapp))
	verifier, err := signature.NewVerifier(vendor.policy(t))
	if err != nil {
		t.Fatal(err)
	}
	original := Document{Name: "webapp", Data: []byte(webapp), Signatures: [][]byte{signed.Plain()}}
	want, err := load(verifier, &original)
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for i := range len(webapp) * 8 {
		flipped := original
		flipped.Data = []byte(webapp)
		flipped.Data[i/8] ^= 1 << (i % 8)
		got, err := load(verifier, &flipped)
		if err != nil {
			continue
		}
		kept++
		if diff := cmp.Diff(want[0].profile, got[0].profile); diff != "" {
			t.Errorf("bit %d of byte %d (%q) changes the document unnoticed (-want +got):\n%s", i%8, i/8, webapp[i/8], diff)
		}
	}
	if kept == 0 {
		t.Error("no flip was accepted, not even in the comment: the test looks at nothing")
	}
	plain := bytes.TrimSpace(signed.Plain())
	for i := range len(plain) * 8 {
		flipped := original
		flipped.Signatures = [][]byte{bytes.Clone(plain)}
		flipped.Signatures[0][i/8] ^= 1 << (i % 8)
		if _, err := load(verifier, &flipped); err == nil {
			t.Errorf("bit %d of byte %d of the signature flipped: accepted", i%8, i/8)
		}
	}
}

// The canonical bytes are a document whose canonical bytes they are, so that
// cosign can sign a file of them as it is.
func TestCanonicalFileIsWhatIsSigned(t *testing.T) {
	vendor := newSigner(t)
	profiles, err := documents.Parse("webapp.yaml", []byte(webapp))
	if err != nil {
		t.Fatal(err)
	}
	file, err := profiles[0].Canonical()
	if err != nil {
		t.Fatal(err)
	}
	overFile, err := signature.Sign(vendor.key, file)
	if err != nil {
		t.Fatal(err)
	}
	r := newRecorder(t, vendor.policy(t))
	r.Publish("test", []Document{{Name: "webapp", Data: file, Signatures: [][]byte{overFile.Plain()}}})
	if diff := cmp.Diff([]string{"/srv/data/index.html"}, r.opens(shop)); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
}

// What Kubescape learned is a document like any other, and its signature is
// over what it says in ours.
func TestKubescapeDocument(t *testing.T) {
	vendor := newSigner(t)
	data := []byte(`apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1
kind: ApplicationProfile
metadata:
  name: replicaset-webapp-6bc44c5d45
  namespace: shop
  annotations: {kubescape.io/status: completed, kubescape.io/completion: complete}
  labels:
    kubescape.io/workload-kind: Deployment
    kubescape.io/workload-name: webapp
    kubescape.io/workload-namespace: shop
spec:
  architectures: [amd64]
  containers:
  - name: web
    opens: [{path: /etc/⋯/x, flags: [O_RDONLY]}]
    syscalls: [read]
`)
	r := newRecorder(t, vendor.policy(t))
	r.Publish("test", []Document{{Name: "ap", Data: data, Signatures: [][]byte{vendor.sign(t, data).Bundle()}}})
	if diff := cmp.Diff([]string{"/etc/⋯/x"}, r.opens(shop)); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
	r.Publish("test", []Document{{Name: "ap", Data: bytes.Replace(data, []byte("/etc/"), []byte("/opt/"), 1), Signatures: [][]byte{vendor.sign(t, data).Bundle()}}})
	if diff := cmp.Diff([]Reason{ReasonSignature}, r.takeRefusals()); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}
