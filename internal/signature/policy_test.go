package signature

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var everything = []Scope{{Namespace: "*", Name: "*"}}

func TestValidateNamesTheField(t *testing.T) {
	keyless := Identity{TrustedRootFile: "root.json", Issuer: "https://issuer", Subject: "me@acme.example"}
	with := func(change func(*Identity)) *Identity {
		id := keyless
		change(&id)
		return &id
	}
	tests := map[string]struct {
		policy Policy
		want   string // nothing if the policy is valid
	}{
		"empty": {},
		"no name": {
			Policy{Authorities: []Authority{{Key: "k", Workloads: everything}}},
			"authorities[0].name: missing",
		},
		"name twice": {
			Policy{Authorities: []Authority{{Name: "a", Key: "k", Workloads: everything}, {Name: "a", Key: "l", Workloads: everything}}},
			`authorities[1].name: "a" is the name of authorities[0] too`,
		},
		"no key": {
			Policy{Authorities: []Authority{{Name: "a", Workloads: everything}}},
			"authorities[0]: has 0 of key, keyFile and keyless",
		},
		"key and file": {
			Policy{Authorities: []Authority{{Name: "a", Key: "k", KeyFile: "f", Workloads: everything}}},
			"authorities[0]: has 2 of key, keyFile and keyless",
		},
		"no workloads": {
			Policy{Authorities: []Authority{{Name: "a", Key: "k"}}},
			"authorities[0].workloads: missing",
		},
		"empty pattern": {
			Policy{Authorities: []Authority{{Name: "a", Key: "k", Workloads: []Scope{{Namespace: "*"}}}}},
			"authorities[0].workloads[0].name: missing",
		},
		"broken pattern": {
			Policy{Authorities: []Authority{{Name: "a", Key: "k", Workloads: []Scope{{Namespace: "[", Name: "*"}}}}},
			"authorities[0].workloads[0].namespace: \"[\": syntax error in pattern",
		},
		"keyless": {
			Policy{Authorities: []Authority{{Name: "a", Keyless: &keyless, Workloads: everything}}}, "",
		},
		"no trusted root": {
			Policy{Authorities: []Authority{{Name: "a", Workloads: everything, Keyless: with(func(id *Identity) { id.TrustedRootFile = "" })}}},
			"authorities[0].keyless.trustedRootFile: missing",
		},
		"no issuer": {
			Policy{Authorities: []Authority{{Name: "a", Workloads: everything, Keyless: with(func(id *Identity) { id.Issuer = "" })}}},
			"authorities[0].keyless: give exactly one of issuer and issuerRegexp",
		},
		"subject twice": {
			Policy{Authorities: []Authority{{Name: "a", Workloads: everything, Keyless: with(func(id *Identity) { id.SubjectRegexp = ".*" })}}},
			"authorities[0].keyless: give exactly one of subject and subjectRegexp",
		},
		"broken expression": {
			Policy{Authorities: []Authority{{Name: "a", Workloads: everything, Keyless: with(func(id *Identity) { id.Subject, id.SubjectRegexp = "", "(" })}}},
			"authorities[0].keyless.subjectRegexp: error parsing regexp",
		},
		"unsigned without namespace": {
			Policy{Unsigned: []UnsignedRule{{Action: Accept}}}, "unsigned[0].namespace: missing",
		},
		"unsigned everywhere": {
			Policy{Unsigned: []UnsignedRule{{Namespace: "*", Action: Accept}}}, "unsigned[0].namespace: \"*\" accepts",
		},
		"warned about everywhere": {Policy{Unsigned: []UnsignedRule{{Namespace: "*", Action: Warn}}}, ""},
		"unknown action": {
			Policy{Unsigned: []UnsignedRule{{Namespace: "dev", Action: "allow"}}}, `unsigned[0].action: "allow"`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := tt.policy.Validate()
			if tt.want == "" && err != nil {
				t.Fatalf("Validate() = %v, want nil", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Validate() = %v, want it to say %q", err, tt.want)
			}
		})
	}
}

func TestValidateReportsAllMistakes(t *testing.T) {
	p := Policy{Authorities: []Authority{{}}, Unsigned: []UnsignedRule{{}}}
	err := p.Validate()
	for _, want := range []string{"authorities[0].name", "authorities[0].workloads", "unsigned[0].namespace", "unsigned[0].action"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want it to say %q", err, want)
		}
	}
}

func TestNewVerifierNamesTheField(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "key.pub")
	if err := os.WriteFile(file, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		authority Authority
		want      string
	}{
		"key":          {Authority{Key: "no key"}, "authorities[0].key: parse public key: wrong form of file: not a PEM file: a key file begins with -----BEGIN"},
		"key file":     {Authority{KeyFile: file}, "authorities[0].keyFile: parse public key"},
		"missing file": {Authority{KeyFile: file + "x"}, "authorities[0].keyFile: open "},
		"missing root": {
			Authority{Keyless: &Identity{TrustedRootFile: file + "x", Issuer: "i", Subject: "s"}},
			"authorities[0].keyless: trustedRootFile: open ",
		},
		"broken root": {
			Authority{Keyless: &Identity{TrustedRootFile: file, Issuer: "i", Subject: "s"}},
			"authorities[0].keyless: trustedRootFile: parse ",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.authority.Name, tt.authority.Workloads = "a", everything
			_, err := NewVerifier(Policy{Authorities: []Authority{tt.authority}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("NewVerifier = %v, want it to say %q", err, tt.want)
			}
		})
	}
}

func TestScope(t *testing.T) {
	vendor, own := generate(t, ECDSAP256), generate(t, ECDSAP256)
	verifier := newVerifier(t, Policy{Authorities: []Authority{
		{Name: "vendor", Key: string(publicPEM(t, vendor)), Workloads: []Scope{{"shop", "web*"}, {"stage-*", "*"}}},
		{Name: "vendor elsewhere", Key: string(publicPEM(t, vendor)), Workloads: []Scope{{"bank", "db"}}},
		{Name: "own", Key: string(publicPEM(t, own)), Workloads: []Scope{{"*", "*"}}},
	}})
	s, err := Sign(vendor, document)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		namespace, workload string
		want                string
		wantErr             error
	}{
		"named":                     {namespace: "shop", workload: "webapp", want: "vendor"},
		"any namespace":             {workload: "webapp", want: "vendor"},
		"any workload":              {namespace: "stage-2", want: "vendor"},
		"same key, other authority": {namespace: "bank", workload: "db", want: "vendor elsewhere"},
		"another namespace":         {namespace: "kube-system", workload: "webapp", wantErr: ErrScope},
		"another workload":          {namespace: "shop", workload: "db", wantErr: ErrScope},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := verifier.Verify(Document{document, tt.namespace, tt.workload, [][]byte{s.Plain()}})
			if !errors.Is(err, tt.wantErr) || got.Authority != tt.want {
				t.Errorf("Verify = %q, %v; want %q, %v", got.Authority, err, tt.want, tt.wantErr)
			}
		})
	}

	trust, err := verifier.Verify(Document{Canonical: document, Signatures: [][]byte{s.Plain()}})
	if err != nil {
		t.Fatal(err)
	}
	for workload, want := range map[[2]string]bool{
		{"shop", "webapp"}: true, {"stage-1", "db"}: true, {"shop", "db"}: false, {"bank", "db"}: false, {"", ""}: false,
	} {
		if got := trust.Covers(workload[0], workload[1]); got != want {
			t.Errorf("Covers(%q) = %t, want %t", workload, got, want)
		}
	}
}

func TestUnsigned(t *testing.T) {
	rules := []UnsignedRule{{"dev-secret", Refuse}, {"dev-*", Accept}, {"lab", Warn}}
	tests := map[string]struct {
		rules     []UnsignedRule
		namespace string
		want      error
		wantWarn  bool
	}{
		"no rule":              {namespace: "dev-1", want: ErrUnsigned},
		"accepted":             {rules: rules, namespace: "dev-1"},
		"first rule counts":    {rules: rules, namespace: "dev-secret", want: ErrUnsigned},
		"warned about":         {rules: rules, namespace: "lab", wantWarn: true},
		"not named":            {rules: rules, namespace: "prod", want: ErrUnsigned},
		"any namespace":        {rules: rules, wantWarn: true},
		"nowhere any":          {rules: rules[:1], want: ErrUnsigned},
		"accepted without lab": {rules: rules[:2]},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			verifier := newVerifier(t, Policy{Unsigned: tt.rules})
			trust, err := verifier.Verify(Document{Canonical: document, Namespace: tt.namespace})
			if !errors.Is(err, tt.want) || trust.Warn != tt.wantWarn || trust.Authority != "" {
				t.Fatalf("Verify = %+v, %v; want %v, warn %t", trust, err, tt.want, tt.wantWarn)
			}
			if err != nil {
				return
			}
			for namespace, want := range map[string]bool{"dev-1": true, "dev-secret": false, "prod": false, "": false} {
				if got := trust.Covers(namespace, "webapp"); got != want {
					t.Errorf("Covers(%q) = %t, want %t", namespace, got, want)
				}
			}
		})
	}
}

// A document nobody trusted vouches for must not pass as an unsigned one.
func TestSignedByStrangerIsNotUnsigned(t *testing.T) {
	stranger := generate(t, ECDSAP256)
	s, err := Sign(stranger, document)
	if err != nil {
		t.Fatal(err)
	}
	verifier := newVerifier(t, Policy{
		Authorities: []Authority{{Name: "vendor", Key: string(publicPEM(t, generate(t, ECDSAP256))), Workloads: everything}},
		Unsigned:    []UnsignedRule{{"shop", Accept}},
	})
	if _, err := verifier.Verify(signed(document, s.Bundle())); !errors.Is(err, ErrUntrusted) {
		t.Errorf("Verify(stranger's bundle) = %v, want %v", err, ErrUntrusted)
	}
	if _, err := verifier.Verify(signed(document, s.Plain())); !errors.Is(err, ErrSignature) {
		t.Errorf("Verify(stranger's plain signature) = %v, want %v", err, ErrSignature)
	}
	if _, err := verifier.Verify(signed(document)); err != nil {
		t.Errorf("Verify(no signature) = %v, want nil", err)
	}
}

// Two people may sign: one that is trusted is enough, beside any other.
func TestOneOfTwoSignatures(t *testing.T) {
	vendor, stranger := generate(t, ECDSAP256), generate(t, ECDSAP256)
	good, err := Sign(vendor, document)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := Sign(stranger, document)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := pinned(t, publicPEM(t, vendor)).Verify(signed(document, bad.Plain(), good.Bundle()))
	if err != nil || trust.Authority != "vendor" {
		t.Errorf("Verify = %q, %v; want vendor", trust.Authority, err)
	}
}
