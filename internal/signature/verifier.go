package signature

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
)

// The reasons for which Verify refuses a document.
var (
	ErrUnsigned  = errors.New("document is not signed")
	ErrSignature = errors.New("signature does not verify")
	ErrUntrusted = errors.New("signer is not trusted")
	ErrScope     = errors.New("signer may not vouch for this workload")
)

// Document is the input of a verification. Namespace and Workload are the workloads that
// the document names; empty is any.
type Document struct {
	Canonical  []byte
	Namespace  string
	Workload   string
	Signatures [][]byte // contents of signature files of any form; one that verifies is enough
}

// Trust says who vouches for a document, and for which workloads.
type Trust struct {
	// Authority is the name of who vouched; empty for an unsigned document.
	Authority string
	// Warn is set if the document is unsigned and has effect in a namespace
	// whose rule is to warn.
	Warn bool

	workloads []Scope
	unsigned  []UnsignedRule
}

// Covers reports whether the trust extends to the workload. An empty name is a
// workload without one, not a wildcard.
func (t Trust) Covers(namespace, name string) bool {
	if t.Authority == "" {
		return unsignedAction(t.unsigned, namespace) != Refuse
	}
	for _, s := range t.workloads {
		if match(s.Namespace, namespace) && match(s.Name, name) {
			return true
		}
	}
	return false
}

// Verifier decides by a Policy. It is immutable and safe for concurrent use.
type Verifier struct {
	keys     []pinnedKey
	keyless  []keylessAuthority
	unsigned []UnsignedRule
}

// pinnedKey is an authority known by its public key.
type pinnedKey struct {
	authority *Authority
	key       crypto.PublicKey
	hint      string // as of keyHint
}

// NewVerifier validates the policy and reads the files it names. Later changes
// of those files have no effect.
func NewVerifier(p Policy) (*Verifier, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	v := &Verifier{unsigned: p.Unsigned}
	for i := range p.Authorities {
		if err := v.add(&p.Authorities[i]); err != nil {
			return nil, fmt.Errorf("authorities[%d].%w", i, err)
		}
	}
	return v, nil
}

// add reads the authority's key or trusted root. Its errors begin with the
// name of the field.
func (v *Verifier) add(a *Authority) error {
	if a.Keyless != nil {
		k, err := newKeyless(a)
		if err != nil {
			return fmt.Errorf("keyless: %w", err)
		}
		v.keyless = append(v.keyless, k)
		return nil
	}
	field, data := "key", []byte(a.Key)
	if a.KeyFile != "" {
		var err error
		if data, err = os.ReadFile(a.KeyFile); err != nil {
			return fmt.Errorf("keyFile: %w", err)
		}
		field = "keyFile"
	}
	key, err := ParsePublicKey(data)
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	hint, err := keyHint(key)
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	v.keys = append(v.keys, pinnedKey{authority: a, key: key, hint: hint})
	return nil
}

// Verify says who vouches for d. Its errors wrap one of ErrUnsigned,
// ErrSignature, ErrUntrusted and ErrScope.
func (v *Verifier) Verify(d Document) (Trust, error) {
	if len(d.Signatures) == 0 {
		return v.verifyUnsigned(d)
	}
	var errs []error
	for _, s := range d.Signatures {
		trust, err := v.verifySigned(d, s)
		if err == nil {
			return trust, nil
		}
		errs = append(errs, err)
	}
	return Trust{}, errors.Join(errs...)
}

func (v *Verifier) verifyUnsigned(d Document) (Trust, error) {
	trust := Trust{unsigned: v.unsigned}
	if d.Namespace != "" {
		action := unsignedAction(v.unsigned, d.Namespace)
		trust.Warn = action == Warn
		if action == Refuse {
			return Trust{}, fmt.Errorf("%w, and the policy refuses those in namespace %q", ErrUnsigned, d.Namespace)
		}
		return trust, nil
	}
	effect := false
	for _, r := range v.unsigned {
		effect = effect || r.Action != Refuse
		trust.Warn = trust.Warn || r.Action == Warn
	}
	if !effect {
		return Trust{}, fmt.Errorf("%w, and the policy refuses those in every namespace", ErrUnsigned)
	}
	return trust, nil
}

// verifySigned finds the authority that made the signature.
func (v *Verifier) verifySigned(d Document, data []byte) (Trust, error) {
	s, err := parse(data)
	if err != nil {
		return Trust{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if s.keyless != nil {
		return v.verifyKeyless(d, s.keyless)
	}
	digest := sha256.Sum256(d.Canonical)
	if s.digest != nil && !bytes.Equal(s.digest, digest[:]) {
		return Trust{}, fmt.Errorf("%w: it was made for another document or version", ErrSignature)
	}
	return v.verifyKeys(d, s)
}

// verifyKeys tries every key, no matter which one the signature names: the name is not
// signed, and only distinguishes a stranger's signature from a damaged one.
func (v *Verifier) verifyKeys(d Document, s *parsed) (Trust, error) {
	known := s.hint == ""
	outOfScope := ""
	for _, k := range v.keys {
		known = known || k.hint == s.hint
		if !verifyKey(k.key, d.Canonical, s.raw) {
			continue
		}
		if k.authority.reaches(d) {
			return k.authority.trust(), nil
		}
		outOfScope = k.authority.Name
	}
	switch {
	case outOfScope != "":
		return Trust{}, scopeError(outOfScope, d)
	case !known:
		return Trust{}, fmt.Errorf("%w: the policy has no key %q", ErrUntrusted, s.hint)
	}
	return Trust{}, fmt.Errorf("%w with any of the policy's keys", ErrSignature)
}

func (a *Authority) trust() Trust {
	return Trust{Authority: a.Name, workloads: a.Workloads}
}

// reaches reports whether the authority may vouch for at least some of the
// workloads the document selects.
func (a *Authority) reaches(d Document) bool {
	for _, s := range a.Workloads {
		if s.covers(d.Namespace, d.Workload) {
			return true
		}
	}
	return false
}

func scopeError(authority string, d Document) error {
	return fmt.Errorf("%w: authority %q, namespace %q, workload %q", ErrScope, authority, d.Namespace, d.Workload)
}
