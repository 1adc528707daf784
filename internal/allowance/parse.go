package allowance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"bobwatch/internal/alert"
	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
)

// maxAlertBytes bounds one line; an alert stays below 64 KiB.
const maxAlertBytes = 256 << 10

// FromAlerts returns documents that accept the alerts in a file, one JSON object a line.
// refused names alerts that no document can accept.
func FromAlerts(in io.Reader, path string) (additions []*profile.Profile, refused, err error) {
	if path != docfile.Stdin {
		file, err := os.Open(path)
		if err != nil {
			return nil, nil, err
		}
		defer file.Close()
		in = file
	}
	var errs []error
	number := 0
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxAlertBytes)
	for lines.Scan() {
		number++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		at := fmt.Sprintf("%s:%d", docfile.NameOf(path), number)
		a, err := ParseAlert(lines.Bytes())
		if err != nil {
			return nil, nil, fmt.Errorf("%s: not an alert in JSON: %w", at, err)
		}
		if a.Allow == nil {
			errs = append(errs, fmt.Errorf("%s: no document can allow this, or none could without allowing more: %s", at, a.Message))
			continue
		}
		addition, err := From(a.Allow)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: allow: %w", at, err)
		}
		additions = append(additions, addition)
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("%s:%d: %w", docfile.NameOf(path), number+1, err)
	}
	if len(additions)+len(errs) == 0 {
		return nil, nil, fmt.Errorf("%s: no alert in it", docfile.NameOf(path))
	}
	return additions, errors.Join(errs...), nil
}

// ParseAlert reads an alert as agents write it.
func ParseAlert(line []byte) (alert.Alert, error) {
	var a alert.Alert
	err := json.Unmarshal(line, &a)
	if err == nil && a.Fingerprint == "" {
		err = errors.New("it has no fingerprint")
	}
	return a, err
}

// From returns the allowance of an alert as a document. It is checked as any document
// is: an alert may come from a log, which may hold anything.
func From(a *alert.Allowance) (*profile.Profile, error) {
	w := a.Workload
	if w.Namespace == "" && w.Kind == "" && w.Name == "" {
		return nil, errors.New("it names no workload; every workload would be allowed this")
	}
	text, err := docfile.Marshal([]*profile.Profile{document(w, a.Container)})
	if err != nil {
		return nil, err
	}
	documents, err := docfile.Parse("allow", text)
	if err != nil {
		return nil, err
	}
	c := documents[0].Spec.Containers[0]
	n := &c.Network
	if len(c.Syscalls)+len(c.Execs)+len(c.Opens)+len(c.Changes)+
		len(n.Egress)+len(n.Ingress)+len(n.Listens)+len(n.Sockets)+len(n.Unix) == 0 {
		return nil, errors.New("it allows nothing")
	}
	return documents[0], nil
}
