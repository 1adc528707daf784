package cluster

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/alert"
)

// Watch says which alerts Client.Alerts reads.
type Watch struct {
	// Since is when the first of them was written; the zero time is as long ago
	// as the nodes keep logs.
	Since time.Time
	// Follow goes on until the context ends, with agents that come later too.
	Follow bool
	// Trouble is called if the log of an agent cannot be read, wholly or in part;
	// once, until it can be read again. nil ignores the error.
	Trouble func(Agent, error)
}

const (
	// logTimeout is how long reading what an agent wrote may take.
	logTimeout = time.Minute
	// relistInterval is how soon a new agent is followed, retryInterval how
	// soon a log that ended is opened again.
	relistInterval = 3 * time.Second
	retryInterval  = time.Second
)

// Alerts reads the alerts of all agents from the logs of their pods, and calls
// take with each, from one goroutine at a time. The alerts of one agent come in
// order; those of different ones come as they are read.
func (c *Client) Alerts(ctx context.Context, w Watch, take func(alert.Alert)) error {
	agents, err := c.Agents(ctx)
	if err != nil {
		return err
	}
	r := &reader{client: c, watch: w, take: take}
	if w.Follow {
		return r.follow(ctx, agents)
	}
	var group errgroup.Group
	group.SetLimit(maxRequests)
	for _, a := range agents {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, logTimeout)
			defer cancel()
			t := &tail{reader: r, agent: a, last: w.Since}
			t.tell(t.read(ctx, false))
			return nil
		})
	}
	_ = group.Wait() // they return none
	return ctx.Err()
}

// reader reads the logs of many agents.
type reader struct {
	client *Client
	watch  Watch

	mu   sync.Mutex // of both callbacks
	take func(alert.Alert)
}

// follow tails the agents and those that come, until ctx ends.
func (r *reader) follow(ctx context.Context, agents []Agent) error {
	var tails sync.WaitGroup
	defer tails.Wait()
	followed := make(map[string]bool)
	for {
		for _, a := range agents {
			if a.Node == "" || followed[a.uid] {
				continue
			}
			followed[a.uid] = true
			t := &tail{reader: r, agent: a, last: r.watch.Since}
			tails.Go(func() { t.follow(ctx) })
		}
		if !sleep(ctx, relistInterval) {
			return nil
		}
		// Without an answer those that are known are followed on.
		agents, _ = r.client.Agents(ctx)
	}
}

// tail reads the log of one agent.
type tail struct {
	*reader
	agent    Agent
	last     time.Time // of the line that was read last
	troubled bool      // the last attempt failed
}

// follow reads until ctx ends or the pod is gone.
func (t *tail) follow(ctx context.Context) {
	for {
		err := t.read(ctx, true)
		if ctx.Err() != nil || apierrors.IsNotFound(err) {
			return
		}
		t.tell(err)
		if !sleep(ctx, retryInterval) {
			return
		}
	}
}

// tell reports trouble once.
func (t *tail) tell(err error) {
	if err != nil && !t.troubled && t.watch.Trouble != nil {
		t.mu.Lock()
		t.watch.Trouble(t.agent, err)
		t.mu.Unlock()
	}
	t.troubled = err != nil
}

// read reads the alerts that the agent wrote after t.last: those before its last
// restart, as far as the node keeps them, and those since.
func (t *tail) read(ctx context.Context, follow bool) error {
	if t.agent.restarts > 0 {
		t.agent.restarts = 0
		if err := t.open(ctx, &corev1.PodLogOptions{Previous: true}); apierrors.IsNotFound(err) {
			return err
		}
	}
	return t.open(ctx, &corev1.PodLogOptions{Follow: follow})
}

// open reads one log to its end.
func (t *tail) open(ctx context.Context, options *corev1.PodLogOptions) error {
	options.Container, options.Timestamps = agentContainer, true
	if !t.last.IsZero() {
		since := metav1.NewTime(t.last)
		options.SinceTime = &since
	}
	body, err := t.client.CoreV1().Pods(t.agent.Namespace).GetLogs(t.agent.Pod, options).Stream(ctx)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer body.Close()
	if err := t.scan(body); err != nil && ctx.Err() == nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}

// maxLineBytes bounds a line: an alert has 64 KiB at most.
const maxLineBytes = 128 << 10

// scan passes on the alerts of a log. Lines that were read before are passed
// over: the API knows whole seconds only.
func (t *tail) scan(log io.Reader) error {
	lines := bufio.NewReaderSize(log, maxLineBytes)
	for {
		line, err := nextLine(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		at, a, err := parseLine(line)
		if !at.After(t.last) {
			continue
		}
		t.last = at
		switch {
		case errors.Is(err, errNoAlert):
		case err != nil:
			t.tell(err)
		default:
			a.Node = t.agent.Node
			t.mu.Lock()
			t.take(a)
			t.mu.Unlock()
		}
	}
}

// nextLine returns the next line, which holds until the next call. One that is
// too long is empty; one without an end was cut and is read again some day.
func nextLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	return nil, err
}

// errNoAlert says of a line that it is another one, such as of the agent's own
// log.
var errNoAlert = errors.New("not an alert")

// parseLine splits a line of a pod's log into its time and the alert after the space. The
// zero time means that it is no such line.
func parseLine(line []byte) (time.Time, alert.Alert, error) {
	stamp, text, _ := bytes.Cut(line, []byte(" "))
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		return time.Time{}, alert.Alert{}, errNoAlert
	}
	var kind struct {
		Fingerprint string `json:"fingerprint"`
		Rule        string `json:"rule"`
	}
	if json.Unmarshal(text, &kind) != nil || kind.Fingerprint == "" || kind.Rule == "" {
		return at, alert.Alert{}, errNoAlert
	}
	var a alert.Alert
	if err := json.Unmarshal(text, &a); err != nil {
		return at, alert.Alert{}, fmt.Errorf("parse alert %.64q: %w", kind.Fingerprint, err)
	}
	return at, a, nil
}

// sleep waits, and reports false if ctx ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
