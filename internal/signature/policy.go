package signature

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Policy says who may vouch for which workloads, and what happens to documents that nobody
// vouches for. The zero Policy refuses every document.
type Policy struct {
	Authorities []Authority `json:"authorities,omitempty"`
	// Unsigned holds rules for documents without a signature. The first one
	// whose namespace matches counts; where none does, the document is refused.
	Unsigned []UnsignedRule `json:"unsigned,omitempty"`
}

// Authority is someone who may vouch for documents, known by exactly one of
// Key, KeyFile and Keyless.
type Authority struct {
	Name    string    `json:"name"`
	Key     string    `json:"key,omitempty"`     // PEM of a public key
	KeyFile string    `json:"keyFile,omitempty"` // path of such a PEM file
	Keyless *Identity `json:"keyless,omitempty"`
	// Workloads bounds the workloads that the authority may vouch for. A document
	// that selects more takes effect within these bounds only.
	Workloads []Scope `json:"workloads"`
}

// Identity is an identity that sigstore's certificate authority certified: a subject,
// such as an email address or the URL of a workflow, and the issuer of its token. Each is
// given exactly, or as a regular expression for the whole text.
type Identity struct {
	// TrustedRootFile is sigstore's trusted_root.json: the certificate
	// authorities and logs to believe. Nothing is fetched.
	TrustedRootFile string `json:"trustedRootFile"`
	Issuer          string `json:"issuer,omitempty"`
	IssuerRegexp    string `json:"issuerRegexp,omitempty"`
	Subject         string `json:"subject,omitempty"`
	SubjectRegexp   string `json:"subjectRegexp,omitempty"`
}

// Scope is a set of workloads, by patterns as of path.Match: "*" for all.
type Scope struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// UnsignedRule says what happens to unsigned documents in the namespaces that the pattern
// Namespace matches.
type UnsignedRule struct {
	Namespace string `json:"namespace"`
	Action    Action `json:"action"`
}

// Action says what happens to an unsigned document.
type Action string

// The actions.
const (
	Refuse Action = "refuse"
	Warn   Action = "warn" // it has effect, and its Trust says that it was warned about
	Accept Action = "accept"
)

// Validate reports all mistakes at once, each with the field it is in.
func (p *Policy) Validate() error {
	var errs []error
	names := make(map[string]int)
	for i, a := range p.Authorities {
		field := fmt.Sprintf("authorities[%d]", i)
		if first, ok := names[a.Name]; ok {
			errs = append(errs, fmt.Errorf("%s.name: %q is the name of authorities[%d] too", field, a.Name, first))
		}
		names[a.Name] = i
		errs = append(errs, a.validate(field)...)
	}
	for i, u := range p.Unsigned {
		errs = append(errs, u.validate(fmt.Sprintf("unsigned[%d]", i))...)
	}
	return errors.Join(errs...)
}

func (a *Authority) validate(field string) []error {
	var errs []error
	if a.Name == "" {
		errs = append(errs, fmt.Errorf("%s.name: missing", field))
	}
	given := 0
	for _, is := range []bool{a.Key != "", a.KeyFile != "", a.Keyless != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		errs = append(errs, fmt.Errorf("%s: has %d of key, keyFile and keyless: give exactly one", field, given))
	}
	if a.Keyless != nil {
		errs = append(errs, a.Keyless.validate(field+".keyless")...)
	}
	if len(a.Workloads) == 0 {
		errs = append(errs, fmt.Errorf("%s.workloads: missing: say what it may vouch for", field))
	}
	for i, s := range a.Workloads {
		where := fmt.Sprintf("%s.workloads[%d]", field, i)
		errs = append(errs, checkPattern(where+".namespace", s.Namespace), checkPattern(where+".name", s.Name))
	}
	return errs
}

func (id *Identity) validate(field string) []error {
	var errs []error
	if id.TrustedRootFile == "" {
		errs = append(errs, fmt.Errorf("%s.trustedRootFile: missing", field))
	}
	return append(errs,
		checkEither(field, "issuer", id.Issuer, id.IssuerRegexp),
		checkEither(field, "subject", id.Subject, id.SubjectRegexp))
}

func (u *UnsignedRule) validate(field string) []error {
	errs := []error{checkPattern(field+".namespace", u.Namespace)}
	switch u.Action {
	case Refuse, Warn:
	case Accept:
		if u.Namespace != "" && strings.Trim(u.Namespace, "*") == "" {
			errs = append(errs, fmt.Errorf("%s.namespace: %q accepts unsigned documents everywhere: name the namespaces", field, u.Namespace))
		}
	default:
		errs = append(errs, fmt.Errorf("%s.action: %q is none of refuse, warn, accept", field, u.Action))
	}
	return errs
}

func checkPattern(field, pattern string) error {
	if pattern == "" {
		return fmt.Errorf("%s: missing: \"*\" is for all", field)
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("%s: %q: %w", field, pattern, err)
	}
	return nil
}

// checkEither wants exactly one of a value and a regular expression for it.
func checkEither(field, name, value, expr string) error {
	if (value == "") == (expr == "") {
		return fmt.Errorf("%s: give exactly one of %s and %sRegexp", field, name, name)
	}
	if _, err := regexp.Compile(expr); err != nil {
		return fmt.Errorf("%s.%sRegexp: %w", field, name, err)
	}
	return nil
}

// covers reports whether the workload lies in the scope. An empty namespace or
// name stands for any, so that it asks whether some workload does.
func (s *Scope) covers(namespace, name string) bool {
	return (namespace == "" || match(s.Namespace, namespace)) && (name == "" || match(s.Name, name))
}

// match is path.Match for a pattern that Validate has accepted.
func match(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// unsignedAction returns the action for an unsigned document in namespace.
func unsignedAction(rules []UnsignedRule, namespace string) Action {
	for _, r := range rules {
		if match(r.Namespace, namespace) {
			return r.Action
		}
	}
	return Refuse
}
