package sink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"text/template"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// maxRendered bounds the output of a template for one alert, in bytes.
const maxRendered = 64 << 10

// Template returns an Encoder that executes text, a template of text/template,
// over an alert.Alert. It is tried out on alerts of each kind. isJSON says that
// the output has to be valid JSON, whatever an alert holds.
func Template(text string, isJSON bool) (alert.Encoder, error) {
	t, err := template.New("alert").Funcs(template.FuncMap{"json": toJSON}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	encode := func(b *bytes.Buffer, a *alert.Alert) error {
		out := bounded{max: maxRendered}
		if err := t.Execute(&out, a); err != nil {
			return fmt.Errorf("execute template: %w", err)
		}
		rendered := bytes.TrimRight(out.Bytes(), "\n")
		if isJSON && !json.Valid(rendered) {
			return errors.New("execute template: the output is not JSON; write values as {{json .Message}}, without quotes around it")
		}
		b.Write(rendered)
		return b.WriteByte('\n')
	}
	for _, sample := range samples() {
		if err := encode(new(bytes.Buffer), &sample); err != nil {
			return nil, fmt.Errorf("%w (for an alert of rule %s)", err, sample.Rule)
		}
	}
	return encode, nil
}

// toJSON is the function json of templates.
func toJSON(v any) (string, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// bounded is a buffer that takes no more than max bytes.
type bounded struct {
	bytes.Buffer
	max int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.max {
		return 0, fmt.Errorf("the output is longer than %d bytes", b.max)
	}
	return b.Buffer.Write(p)
}

// samples are alerts of each kind, with strings as a hostile container would
// have them after they were made printable.
func samples() []alert.Alert {
	const hostile = `a"b'c\\d{{.}}\x0a<>&`
	process := alert.Process{PID: 1, Start: time.Unix(1, 0), Comm: hostile, Exe: "/" + hostile, Args: []string{hostile}}
	base := alert.Alert{
		Fingerprint: "00", Severity: severity.High, Message: hostile, Count: 1,
		First: time.Unix(1, 0), Last: time.Unix(2, 0), Node: "node",
		Subject: alert.Subject{
			Workload:  alert.Workload{Namespace: "shop", Kind: "Deployment", Name: "web"},
			Container: alert.Container{ID: "0", Name: "web"},
		},
		Process: process, Ancestors: []alert.Process{process},
	}
	var all []alert.Alert
	add := func(id rule.ID, d alert.Deviation) {
		a := base
		a.Rule, a.RuleName, a.Deviation = id, id.Name(), d
		all = append(all, a)
	}
	add(rule.UnexpectedProcess, alert.Deviation{Exec: &alert.Exec{Path: "/" + hostile, Args: []string{hostile}}})
	add(rule.UnexpectedFileAccess, alert.Deviation{Open: &alert.Open{Path: "/" + hostile, Flags: "O_RDONLY"}})
	add(rule.UnexpectedSyscall, alert.Deviation{Syscall: &alert.Syscall{Name: "ptrace", ABI: "amd64", Number: 101}})
	add(rule.LeftContainer, alert.Deviation{Moved: &alert.Moved{Cgroup: "/" + hostile}})
	summary := base // about no process
	summary.Rule, summary.RuleName = rule.Suppressed, rule.Suppressed.Name()
	summary.Process, summary.Ancestors = alert.Process{}, nil
	summary.Suppressed = map[rule.ID]uint64{rule.UnexpectedProcess: 2}
	all = append(all, summary)
	return all
}
