package alerting

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"bobwatch/internal/alert"
	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/alert/sink"
	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// repeatInterval makes minutes of a real agent pass in seconds.
const repeatInterval = 2 * time.Second

// replica is one container of a workload on a node of its own, with what an
// agent has there to raise alerts.
type replica struct {
	builder    alert.Builder
	subject    alert.Subject
	dispatcher *delivery.Dispatcher
	stop       func() // ends the agent
}

// newReplica starts an agent that sends to routes.
func newReplica(t *testing.T, n int, routes ...delivery.Route) *replica {
	t.Helper()
	opts := delivery.DefaultOptions()
	opts.Routes = routes
	opts.RepeatInterval = repeatInterval
	opts.Log = zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))
	d, err := delivery.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return &replica{
		builder: alert.Builder{
			Node: fmt.Sprint("node-", n), Arch: "amd64", Processes: process.New(process.DefaultOptions()),
		},
		subject: alert.Subject{
			Workload:  alert.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"},
			Pod:       alert.Pod{Name: fmt.Sprint("webapp-67965968bb-", n)},
			Container: alert.Container{ID: fmt.Sprint("container", n), Name: "web", Image: "registry.example/web:1"},
		},
		dispatcher: d, stop: stop,
	}
}

// attackMessages are what an attack has to be told as: four alerts.
var attackMessages = []string{
	"unexpected process /bin/cat launched by sh",
	"unexpected process /bin/dash launched by apache2",
	"unexpected read of /etc/shadow by cat",
	"unexpected system call ptrace by cat",
}

// attack is a command injection: apache starts a shell, which starts cat,
// which reads what it should not and then tries ptrace. pid is of the shell.
func (r *replica) attack(pid uint32) {
	apache, shell, cat := proc(1000, 1, "apache2"), proc(pid, pid, "sh"), proc(pid+1, pid, "cat")
	r.exec("/usr/sbin/apache2", "apache2\x00-DFOREGROUND", apache) // of the profile
	r.raise(rule.UnexpectedProcess, r.exec("/bin/dash", "sh\x00-c\x00cat /etc/shadow", shell, apache))
	r.raise(rule.UnexpectedProcess, r.exec("/bin/cat", "cat\x00/etc/shadow", cat, shell, apache))
	open := eventOf(event.KindOpen, cat, shell, apache)
	open.Path, open.Access = []byte("/etc/shadow"), event.AccessRead
	r.raise(rule.UnexpectedFileAccess, open)
	call := eventOf(event.KindSyscall, cat, shell, apache)
	call.Nr = 101
	r.raise(rule.UnexpectedSyscall, call)
}

func proc(pid, start uint32, comm string) event.Process {
	p := event.Process{PID: pid, UID: 33, Start: uint64(start)}
	copy(p.Comm[:], comm)
	return p
}

// eventOf is an act of the first of chain; the others are its ancestors.
func eventOf(kind event.Kind, chain ...event.Process) *event.Event {
	e := &event.Event{Kind: kind, Origin: event.OriginEntrypoint, Time: uint64(time.Hour), Process: chain[0]}
	e.NAncestors = copy(e.Ancestors[:], chain[1:])
	return e
}

// exec is an execution, which the agent's table of processes learns of.
func (r *replica) exec(path, args string, chain ...event.Process) *event.Event {
	e := eventOf(event.KindExec, chain...)
	e.Path, e.Args = []byte(path), []byte(args)
	r.builder.Processes.Add(e)
	return e
}

func (r *replica) raise(rule rule.ID, e *event.Event) {
	d := detector.Deviation{Rule: rule, Severity: severity.High, Event: e}
	r.dispatcher.Enqueue(r.builder.Build(d, &r.subject))
}

// toAlertmanager is a route to servers, with a queue in dir.
func toAlertmanager(t *testing.T, dir string, opts sink.AlertmanagerOptions, servers ...*alertmanager) delivery.Route {
	t.Helper()
	for _, am := range servers {
		opts.URLs = append(opts.URLs, am.url)
	}
	opts.ResolveAfter = cmp.Or(opts.ResolveAfter, 2*repeatInterval)
	opts.Log = zap.NewNop()
	am, err := sink.NewAlertmanager("am", opts)
	if err != nil {
		t.Fatal(err)
	}
	return delivery.Route{
		Sink: am, Queue: filepath.Join(dir, "am.db"), QueueBytes: 4 << 20,
		Refresh: am.Refresh, RefreshInterval: 500 * time.Millisecond,
	}
}

// raiseAs raises an alert of another workload, which its message ends in.
func (r *replica) raiseAs(workload string) {
	subject := r.subject
	subject.Workload.Name = workload
	e := eventOf(event.KindOpen, proc(9, 9, workload))
	e.Path, e.Access = []byte("/etc/shadow"), event.AccessRead
	d := detector.Deviation{Rule: rule.UnexpectedFileAccess, Severity: severity.High, Event: e}
	r.dispatcher.Enqueue(r.builder.Build(d, &subject))
}
