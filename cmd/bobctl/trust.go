package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"bobwatch/internal/docfile"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// trust is whom a command line believes.
type trust struct {
	keys     []string
	identity signature.Identity
}

func (o *trust) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.keys, "key", nil, "public key in `FILE` (repeatable; one has to fit)")
	flags.StringVar(&o.identity.Subject, "certificate-identity", "", "`SUBJECT` of the certificate: a mail address, or the URL of a workflow")
	flags.StringVar(&o.identity.SubjectRegexp, "certificate-identity-regexp", "", "`REGEXP` for the subject")
	flags.StringVar(&o.identity.Issuer, "certificate-oidc-issuer", "", "`URL` of who vouched for the subject")
	flags.StringVar(&o.identity.IssuerRegexp, "certificate-oidc-issuer-regexp", "", "`REGEXP` for the issuer")
	flags.StringVar(&o.identity.TrustedRootFile, "trusted-root", "", "trusted_root.json of sigstore in `FILE`")
}

// given reports whether the command line names anybody.
func (o *trust) given() bool { return len(o.keys) > 0 || o.identity != (signature.Identity{}) }

// verifier trusts the keys and the identity of the command line.
func (o *trust) verifier(t *term.Terminal) (*signature.Verifier, error) {
	everything := []signature.Scope{{Namespace: "*", Name: "*"}}
	var policy signature.Policy
	for _, key := range o.keys {
		text, err := docfile.Read(t.In, key)
		if err != nil {
			return nil, err
		}
		if _, err := signature.ParsePublicKey(text); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		policy.Authorities = append(policy.Authorities, signature.Authority{Name: key, Key: string(text), Workloads: everything})
	}
	if o.identity != (signature.Identity{}) {
		switch {
		case o.identity.TrustedRootFile == "":
			return nil, term.Usagef("an identity is verified against sigstore's trusted root: --trusted-root FILE")
		case (o.identity.Subject == "") == (o.identity.SubjectRegexp == ""):
			return nil, term.Usagef("give one of --certificate-identity and --certificate-identity-regexp")
		case (o.identity.Issuer == "") == (o.identity.IssuerRegexp == ""):
			return nil, term.Usagef("give one of --certificate-oidc-issuer and --certificate-oidc-issuer-regexp")
		}
		policy.Authorities = append(policy.Authorities, signature.Authority{
			Name:      o.identity.Subject + o.identity.SubjectRegexp,
			Keyless:   &o.identity,
			Workloads: everything,
		})
	}
	if len(policy.Authorities) == 0 {
		return nil, term.Usagef("say whom to trust: --key FILE, or --certificate-identity, --certificate-oidc-issuer and --trusted-root")
	}
	return signature.NewVerifier(policy)
}
