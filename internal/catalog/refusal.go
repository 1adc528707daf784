package catalog

import (
	"errors"
	"time"

	"bobwatch/internal/profile/lint"
	"bobwatch/internal/signature"
	"bobwatch/internal/yamlfile"
)

// Reason says why a document was refused. The set is closed, so that it can
// label a metric.
type Reason string

// The reasons.
const (
	ReasonParse     Reason = "parse"     // it cannot be read
	ReasonLimit     Reason = "limit"     // it is too large
	ReasonUnsigned  Reason = "unsigned"  // it has no signature, and the policy wants one
	ReasonUntrusted Reason = "untrusted" // someone the policy does not know signed it
	ReasonSignature Reason = "signature" // its signature does not verify
	ReasonScope     Reason = "scope"     // who vouches for it, or its source, may not speak for that workload
	ReasonParameter Reason = "parameter" // a value does not fit what was signed
)

var reasons = []Reason{
	ReasonParse, ReasonLimit, ReasonUnsigned, ReasonUntrusted, ReasonSignature, ReasonScope, ReasonParameter,
}

// Refusal reports a document that has no effect. If an earlier version of it was
// accepted, that one stays in force, and InForce is set.
type Refusal struct {
	Source  string
	Name    string
	Reason  Reason
	Err     error
	Time    time.Time
	InForce bool
}

// Acceptance reports a document that came into force.
type Acceptance struct {
	Source string
	Name   string
	Trust  signature.Trust
	Time   time.Time
	// Warnings are likely mistakes of the document's author.
	Warnings []lint.Warning
}

// errParameter and errScope mark errors that the packages below do not.
var (
	errParameter = errors.New("bind parameters")
	errScope     = errors.New("source may not speak for this namespace")
)

// reasonOf classifies an error. An error without a class of its own means that the
// document cannot be read.
func reasonOf(err error) Reason {
	for _, r := range []struct {
		err    error
		reason Reason
	}{
		{yamlfile.ErrLimit, ReasonLimit},
		{signature.ErrUnsigned, ReasonUnsigned},
		{signature.ErrScope, ReasonScope},
		{errScope, ReasonScope},
		{signature.ErrUntrusted, ReasonUntrusted},
		{signature.ErrSignature, ReasonSignature},
		{errParameter, ReasonParameter},
	} {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	return ReasonParse
}
