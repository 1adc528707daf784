package alert

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Silences returns entries of alerts.silences, as YAML on a line each, that silence the
// first act of an incident until a day: the act itself, and for an execution also the
// acts of that program. It returns none if an entry would cover other acts, or none.
func Silences(a *Alert, reason string, until time.Time) []string {
	w := &a.Workload
	if w.Name == "" || strings.ContainsAny(w.Namespace+w.Kind+w.Name, `*?[]\`) {
		return nil
	}
	fields := fmt.Sprintf("workload: %q", w.Namespace+"/"+w.Kind+"/"+w.Name)
	end := fmt.Sprintf("reason: %s, expires: %s}", strconv.QuoteToASCII(reason), until.UTC().Format(time.DateOnly))
	path := ""
	switch d := &a.Deviation; {
	case d.Exec != nil:
		path = d.Exec.Path
	case d.Open != nil:
		path = d.Open.Path
	}
	if strings.ContainsAny(path, `*⋯⟦…\`) {
		return nil
	}
	if !strings.HasPrefix(path, "/") {
		return []string{fmt.Sprintf("{%s, rule: %s, %s", fields, a.Rule, end)}
	}
	entries := []string{fmt.Sprintf("{%s, rule: %s, path: %q, %s", fields, a.Rule, path, end)}
	if a.Deviation.Exec != nil {
		entries = append(entries, fmt.Sprintf("{%s, process: %q, %s", fields, path, end))
	}
	return entries
}
