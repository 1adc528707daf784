// Package trial holds a running workload to a document for a while: on this
// machine, or on the nodes of a cluster by the bobctl in the agents' pods. It
// judges as the agent does (judge.go), and names the parts that it could not watch.
package trial

import (
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/event"
	"bobwatch/internal/host"
	judging "bobwatch/internal/judge"
	"bobwatch/internal/observe"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/report"
	"bobwatch/internal/rule/builtin"
	"bobwatch/internal/workload"
)

// Bounds of the memory of a judge, for a workload that never stops deviating.
const (
	maxJudged = 4096
	maxNews   = 100_000
)

// judge is an observe.Handler that learns the acts of a workload, and judges each by a
// document as the agent does.
type judge struct {
	tool      string // that the document learned names as its maker
	recorder  *observe.Recorder
	document  *profile.Profile
	container string // of the document, that all is held to; empty goes by names
	judge     *judging.Judge
	builder   alert.Builder
	boot      time.Time
	matchers  map[string]*match.Matcher // by container
	incidents map[string]*alert.Alert   // by fingerprint and command to allow it
	trial     report.Trial
}

// newJudge returns a judge on the machine called node. container names the one
// of the document that the only container observed is held to.
func newJudge(document *profile.Profile, container, node, tool string) (*judge, error) {
	asked, err := judging.New(runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	return &judge{
		tool:      tool,
		recorder:  observe.NewRecorder(),
		document:  document,
		container: container,
		judge:     asked,
		builder: alert.Builder{
			Node: node, Arch: runtime.GOARCH, Processes: process.New(process.DefaultOptions()),
		},
		boot:      host.BootTime(),
		matchers:  make(map[string]*match.Matcher),
		incidents: make(map[string]*alert.Alert),
		trial:     report.Trial{Start: time.Now()},
	}, nil
}

// Begin implements observe.Handler.
func (j *judge) Begin(s *observe.Subject) {
	c := j.containerOf(s)
	s.Container.Name, s.Container.Type = c.Name, string(c.Type)
	j.recorder.Begin(s)
	if j.matchers[c.Name] == nil && j.document.Guards(&c) {
		// It fails for a machine without a table of system calls only, on which
		// nothing can be observed either.
		j.matchers[c.Name], _ = match.Compile(j.containersNamed(c.Name), match.Options{Arch: runtime.GOARCH, MergedUsr: true, Senses: j.document.SensesOf(&c)})
	}
	if !s.StartSeen {
		j.addRunning(&s.Container)
	}
	j.trial.Workload = j.workloadOf(&s.Container)
	j.trial.Instances = append(j.trial.Instances, report.Instance{
		Pod: s.Container.Pod, Node: j.builder.Node, Container: c.Name,
	})
}

// containerOf returns the container of the document that a container is held
// to, or a container of its name without anything. Only the API server knows
// types; that of the document is as good.
func (j *judge) containerOf(s *observe.Subject) profile.Container {
	name := s.Container.Name
	if j.container != "" {
		name = j.container
	}
	for _, c := range j.document.Spec.Containers {
		if c.Name == name {
			return c
		}
	}
	for _, c := range j.document.Spec.Containers {
		if c.Name == "" {
			c.Name = name
			return c
		}
	}
	return profile.Container{Name: name}
}

func (j *judge) containersNamed(name string) []profile.Container {
	return slices.DeleteFunc(slices.Clone(j.document.Spec.Containers), func(c profile.Container) bool {
		return c.Name != name && c.Name != ""
	})
}

// addRunning makes the processes known that a container has already.
func (j *judge) addRunning(c *workload.Container) {
	root, err := workload.CgroupRoot()
	if err != nil {
		return // chains lack their programs then
	}
	_ = filepath.WalkDir(filepath.Join(root, c.CgroupPath), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // it is gone
		}
		for _, pid := range workload.Processes(path) {
			_ = j.builder.Processes.AddRunning(pid) // an error says that it has ended
		}
		return nil
	})
}

// Act implements observe.Handler.
func (j *judge) Act(s *observe.Subject, ev *event.Event) {
	before := j.recorder.Progress()
	j.recorder.Act(s, ev)
	after := j.recorder.Progress()
	if found := after.Syscalls + after.Execs + after.Opens; found > before.Syscalls+before.Execs+before.Opens && len(j.trial.News) < maxNews {
		j.trial.News = append(j.trial.News, j.boot.Add(time.Duration(ev.Time)))
	}
	switch ev.Kind {
	case event.KindExec:
		j.builder.Processes.Add(ev)
	case event.KindOpen:
		ev.ImageProgram = j.builder.Processes.ImageProgram(ev)
	}
	facts := builtin.Container{Image: s.Container.Runtime != workload.RuntimeCgroup}
	if d, ok := j.judge.Check(ev, j.matchers[s.Container.Name], facts); ok {
		j.add(j.builder.Build(d, j.subject(s)))
	}
}

// workloadOf returns the workload of a container: the workload of the document if the
// container has none of its own.
func (j *judge) workloadOf(c *workload.Container) alert.Workload {
	if d := j.document.Spec.Workload; c.Pod == "" && d.Name != "" {
		return alert.Workload{Namespace: d.Namespace, Kind: d.Kind, Name: d.Name}
	}
	return alert.Workload{Namespace: c.Namespace, Kind: c.Owner.Kind, Name: c.Owner.Name}
}

func (j *judge) subject(s *observe.Subject) *alert.Subject {
	c := &s.Container
	return &alert.Subject{
		Workload:  j.workloadOf(c),
		Pod:       alert.Pod{Name: c.Pod, UID: c.PodUID},
		Container: alert.Container{ID: c.ID, Name: c.Name, Image: c.Image, Digest: c.ImageDigest},
	}
}

// add folds alerts of one incident. The first execution of a program is one for
// the agent, whatever the arguments; here each has to be accepted.
func (j *judge) add(a alert.Alert) {
	key := a.Fingerprint + a.Allow.String()
	known := j.incidents[key]
	switch {
	case known != nil:
		known.Count += a.Count
		known.Last = a.Last
		known.Severity = max(known.Severity, a.Severity)
	case len(j.incidents) >= maxJudged:
		j.trial.Held++
	default:
		j.incidents[key] = &a
	}
}

// End implements observe.Handler.
func (j *judge) End(s *observe.Subject) { j.recorder.End(s) }

// result returns the observed acts, once the observation is over.
func (j *judge) result() (report.Trial, error) {
	t := j.trial
	t.End = time.Now()
	var err error
	if t.Observed, err = j.recorder.Document(j.tool); err != nil {
		return t, err
	}
	for _, a := range j.incidents {
		t.Incidents = append(t.Incidents, report.Incident{Alert: *a, Allowance: allowanceOf(a)})
	}
	slices.SortFunc(t.Incidents, func(a, b report.Incident) int { return a.Alert.First.Compare(b.Alert.First) })
	return t, nil
}

// allowanceOf returns the entry that accepts an alert, nil if there is none.
func allowanceOf(a *alert.Alert) *profile.Container {
	if a.Allow == nil {
		return nil
	}
	c := a.Allow.Container
	if call := a.Deviation.Syscall; call != nil {
		// It allows it on every architecture.
		c.Syscalls = map[string][]string{call.ABI: c.Syscalls[call.ABI]}
	}
	return &c
}
