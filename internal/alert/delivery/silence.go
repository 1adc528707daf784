package delivery

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
)

// Silence says which deviations raise no alert. Its fields narrow one another;
// an empty one holds for all.
type Silence struct {
	// Workload is NAMESPACE/KIND/NAME, each a pattern as of path.Match.
	Workload string
	Rule     string // its id
	// Path is a pattern, as in a document, of the file that was opened or
	// executed.
	Path string
	// Process is such a pattern of the executable that did it. Not of its
	// name, which a process gives itself. For an execution it is the launcher.
	Process string
	Reason  string
	Expires time.Time
}

// Silencer decides by silences. It is immutable; a nil one silences nothing.
type Silencer struct{ silences []silence }

type silence struct {
	Silence
	workload []string // namespace, kind, name; nil for any
	rule     rule.ID
	path     *match.Matcher // nil for any
	process  *match.Matcher
}

// NewSilencer checks silences and prepares them. The error names all that are
// wrong, counted from 0.
func NewSilencer(silences []Silence) (*Silencer, error) {
	s := &Silencer{}
	var errs []error
	for i, spec := range silences {
		compiled, err := compileSilence(spec)
		if err != nil {
			errs = append(errs, fmt.Errorf("silences[%d]: %w", i, err))
		}
		s.silences = append(s.silences, compiled)
	}
	return s, errors.Join(errs...)
}

func compileSilence(spec Silence) (silence, error) {
	s := silence{Silence: spec}
	if spec.Workload == "" && spec.Rule == "" && spec.Path == "" && spec.Process == "" {
		return s, errors.New("would silence everything: give workload, rule, path or process")
	}
	if spec.Workload != "" {
		s.workload = strings.SplitN(spec.Workload, "/", 3)
		if _, err := path.Match(spec.Workload, ""); err != nil || len(s.workload) != 3 {
			return s, fmt.Errorf("workload: %q is not NAMESPACE/KIND/NAME", spec.Workload)
		}
	}
	if spec.Rule != "" {
		id, err := rule.Parse(spec.Rule)
		if err != nil {
			return s, err
		}
		s.rule = id
	}
	var err error
	if s.path, err = pathMatcher(spec.Path); err != nil {
		return s, fmt.Errorf("path: %w", err)
	}
	if s.process, err = pathMatcher(spec.Process); err != nil {
		return s, fmt.Errorf("process: %w", err)
	}
	return s, nil
}

// pathMatcher compiles a pattern as a document would; nil for none.
func pathMatcher(pattern string) (*match.Matcher, error) {
	if pattern == "" {
		return nil, nil
	}
	if !strings.HasPrefix(pattern, "/") {
		return nil, fmt.Errorf("%q does not begin with /", pattern)
	}
	containers := []profile.Container{{Execs: []profile.Exec{{Path: pattern}}}}
	return match.Compile(containers, match.Options{Arch: runtime.GOARCH, MergedUsr: true})
}

// covers reports whether a is to be kept quiet.
func (s *Silencer) covers(a *alert.Alert, now time.Time) bool {
	if s == nil {
		return false
	}
	for i := range s.silences {
		if s.silences[i].matches(a, now) {
			return true
		}
	}
	return false
}

func (s *silence) matches(a *alert.Alert, now time.Time) bool {
	return now.Before(s.Expires) &&
		(s.Rule == "" || s.rule == a.Rule) &&
		s.matchesWorkload(&a.Workload) &&
		matchesPath(s.path, deviatingPath(a)) &&
		matchesPath(s.process, actor(a))
}

func (s *silence) matchesWorkload(w *alert.Workload) bool {
	if s.workload == nil {
		return true
	}
	for i, name := range []string{w.Namespace, w.Kind, w.Name} {
		if ok, err := path.Match(s.workload[i], name); !ok || err != nil {
			return false
		}
	}
	return true
}

func matchesPath(m *match.Matcher, path string) bool {
	return m == nil || m.Exec([]byte(path), nil) != match.PathUnknown
}

func deviatingPath(a *alert.Alert) string {
	switch {
	case a.Deviation.Exec != nil:
		return a.Deviation.Exec.Path
	case a.Deviation.Open != nil:
		return a.Deviation.Open.Path
	case a.Deviation.Change != nil:
		return a.Deviation.Change.Path
	case a.Deviation.Contact != nil:
		return a.Deviation.Contact.Path
	}
	return ""
}

// actor is the executable behind a deviation. After an execution the process
// itself is the new program, so it is the parent.
func actor(a *alert.Alert) string {
	if a.Deviation.Exec == nil {
		return a.Process.Exe
	}
	if len(a.Ancestors) == 0 {
		return ""
	}
	return a.Ancestors[0].Exe
}

// tell logs which silences are in force, and which no longer are.
func (s *Silencer) tell(log *zap.Logger, now time.Time) {
	if s == nil {
		return
	}
	for i := range s.silences {
		silence := &s.silences[i]
		fields := []zap.Field{
			zap.String("workload", silence.Workload), zap.String("rule", silence.Rule),
			zap.String("path", silence.Path), zap.String("process", silence.Process),
			zap.String("reason", silence.Reason), zap.Time("expires", silence.Expires),
		}
		if _, known := rule.Lookup(silence.rule); !known && silence.Rule != "" {
			log.Warn("silence of a rule that this version does not know", fields...)
		}
		if now.Before(silence.Expires) {
			log.Info("silence in force", fields...)
		} else {
			log.Warn("silence has expired", fields...)
		}
	}
}
