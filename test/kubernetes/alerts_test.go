package kubernetes

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/test/cluster"
)

// seen is an alert in the log of an agent.
type seen struct {
	alert.Alert
	node    string    // where the agent runs
	written time.Time // by the runtime's clock
}

// alerts follows the logs of all agents where the nodes keep them: neither the
// API server's absence nor a pod's end hides a line.
type alerts struct {
	end   context.CancelFunc
	ended chan struct{}

	mu   sync.Mutex
	seen []seen
	log  strings.Builder // all other lines
	news chan struct{}   // closed, and made anew, when seen grows
}

// logFile is the log of one run of an agent.
type logFile struct {
	node string
	file *os.File
	in   *bufio.Reader
	line string // what was read of a line that is not complete
	text string // what was read of a message that the runtime has split
}

func followAlerts(nodes []*cluster.Node) *alerts {
	ctx, end := context.WithCancel(context.Background())
	a := &alerts{end: end, ended: make(chan struct{}), news: make(chan struct{})}
	go func() {
		defer close(a.ended)
		files := map[string]*logFile{}
		for ctx.Err() == nil {
			for _, n := range nodes {
				openLogs(n, files)
			}
			for _, f := range files {
				a.read(f)
			}
			time.Sleep(50 * time.Millisecond)
		}
		for _, f := range files {
			f.file.Close()
		}
	}()
	return a
}

// openLogs adds the logs that are new on a node to files. They stay open: what
// is written last is read even if the pod is gone.
func openLogs(n *cluster.Node, files map[string]*logFile) {
	paths, _ := filepath.Glob(filepath.Join(n.Logs, "pods", release+"_*/agent/*.log"))
	for _, path := range paths {
		if files[path] != nil {
			continue
		}
		if f, err := os.Open(path); err == nil {
			files[path] = &logFile{node: n.Name, file: f, in: bufio.NewReader(f)}
		}
	}
}

// read takes what is new in a log: lines of a time, a stream, whether the
// message ends, and the message.
func (a *alerts) read(f *logFile) {
	for {
		part, err := f.in.ReadString('\n')
		f.line += part
		if err != nil {
			return // more will come, or not
		}
		fields := strings.SplitN(strings.TrimSuffix(f.line, "\n"), " ", 4)
		f.line = ""
		if len(fields) < 4 {
			continue
		}
		f.text += fields[3]
		if fields[2] != "P" {
			a.add(f.node, fields[0], fields[1], f.text)
			f.text = ""
		}
	}
}

func (a *alerts) add(node, written, stream, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := seen{node: node}
	if stream != "stdout" || json.Unmarshal([]byte(text), &s.Alert) != nil {
		fmt.Fprintf(&a.log, "%s %s %s\n", node, stream, text)
		return
	}
	s.written, _ = time.Parse(time.RFC3339Nano, written)
	a.seen = append(a.seen, s)
	close(a.news)
	a.news = make(chan struct{})
}

func (a *alerts) stop() {
	a.end()
	<-a.ended
}

// logs returns the end of all that the agents wrote that is no alert.
func (a *alerts) logs() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	text := a.log.String()
	return text[max(0, len(text)-20000):]
}

// mark returns a place in the stream of alerts: now.
func (a *alerts) mark() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen)
}

// since returns the alerts after a mark about a namespace.
func (a *alerts) since(mark int, namespace string) []seen {
	a.mu.Lock()
	defer a.mu.Unlock()
	var about []seen
	for _, s := range a.seen[mark:] {
		if s.Workload.Namespace == namespace {
			about = append(about, s)
		}
	}
	return about
}

// await returns the first alert after a mark that matches. Without one in a
// minute the test fails.
func (a *alerts) await(t *testing.T, mark int, what string, match func(*alert.Alert) bool) seen {
	t.Helper()
	timeout := time.After(time.Minute)
	next := mark
	for {
		a.mu.Lock()
		all, news := a.seen, a.news
		a.mu.Unlock()
		for ; next < len(all); next++ {
			if match(&all[next].Alert) {
				t.Logf("%s: %s", what, all[next].Message)
				return all[next]
			}
		}
		select {
		case <-news:
		case <-timeout:
			for _, s := range all[mark:] {
				t.Logf("but: %s/%s: %s", s.Workload.Namespace, s.Pod.Name, s.Message)
			}
			t.Fatalf("%s: no alert", what)
		}
	}
}

// executed matches the execution of a program in a pod, given its path.
func executed(pod, path string) func(*alert.Alert) bool {
	return func(a *alert.Alert) bool {
		return a.Pod.Name == pod && a.Deviation.Exec != nil && a.Deviation.Exec.Path == path
	}
}
