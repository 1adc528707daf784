package signing

import (
	"fmt"

	"github.com/spf13/pflag"

	"bobwatch/internal/docfile"
	"bobwatch/internal/signature"
	"bobwatch/internal/term"
)

// Trust holds the keys and the identity that a command line trusts.
type Trust struct {
	Keys     []string
	Identity signature.Identity
}

// Register registers the flags.
func (o *Trust) Register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.Keys, "key", nil, "public key in `FILE` (repeatable; one of them must verify)")
	flags.StringVar(&o.Identity.Subject, "certificate-identity", "", "`SUBJECT` of the certificate: an email address, or the URL of a workflow")
	flags.StringVar(&o.Identity.SubjectRegexp, "certificate-identity-regexp", "", "`REGEXP` for the subject")
	flags.StringVar(&o.Identity.Issuer, "certificate-oidc-issuer", "", "`URL` of the OIDC provider that vouched for the subject")
	flags.StringVar(&o.Identity.IssuerRegexp, "certificate-oidc-issuer-regexp", "", "`REGEXP` for the issuer")
	flags.StringVar(&o.Identity.TrustedRootFile, "trusted-root", "", "`FILE` with the trusted_root.json of sigstore")
}

// Given reports whether the command line names anybody.
func (o *Trust) Given() bool { return len(o.Keys) > 0 || o.Identity != (signature.Identity{}) }

// Verifier trusts the keys and the identity of the command line.
func (o *Trust) Verifier(t *term.Terminal) (*signature.Verifier, error) {
	everything := []signature.Scope{{Namespace: "*", Name: "*"}}
	var policy signature.Policy
	for _, key := range o.Keys {
		text, err := docfile.Read(t.In, key)
		if err != nil {
			return nil, err
		}
		if _, err := signature.ParsePublicKey(text); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		policy.Authorities = append(policy.Authorities, signature.Authority{Name: key, Key: string(text), Workloads: everything})
	}
	if o.Identity != (signature.Identity{}) {
		switch {
		case o.Identity.TrustedRootFile == "":
			return nil, term.Usagef("an identity is verified against sigstore's trusted root: --trusted-root FILE")
		case (o.Identity.Subject == "") == (o.Identity.SubjectRegexp == ""):
			return nil, term.Usagef("give one of --certificate-identity and --certificate-identity-regexp")
		case (o.Identity.Issuer == "") == (o.Identity.IssuerRegexp == ""):
			return nil, term.Usagef("give one of --certificate-oidc-issuer and --certificate-oidc-issuer-regexp")
		}
		policy.Authorities = append(policy.Authorities, signature.Authority{
			Name:      o.Identity.Subject + o.Identity.SubjectRegexp,
			Keyless:   &o.Identity,
			Workloads: everything,
		})
	}
	if len(policy.Authorities) == 0 {
		return nil, term.Usagef("say whom to trust: --key FILE, or --certificate-identity, --certificate-oidc-issuer and --trusted-root")
	}
	return signature.NewVerifier(policy)
}
