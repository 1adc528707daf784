// Package story is bobctl's view of incidents: it reads them from the history of
// agents, holds the newest form of each, and writes them for people.
//
// Its invariant: an answer of an agent and a file may hold anything. Both are
// bounded, and every text becomes printable when it is taken in.
package story

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/cluster"
)

// Bounds of one answer: an agent keeps 1 GiB at most, in lines of 256 KiB.
const (
	maxLine   = 512 << 10
	maxAnswer = 1 << 30
)

// answerTimeout is how long one agent may take to answer.
const answerTimeout = time.Minute

// Source reads the incidents that are new since the last call, and those that
// went on. Trouble with one agent goes to failed and leaves the others.
type Source interface {
	Read(ctx context.Context, take func(alert.Alert), failed func(where string, err error)) error
}

// File is a Source: lines of JSON, as bobctl and agents write them.
type File struct {
	In   io.Reader // of "-"
	Path string
	read bool
}

// Read implements Source. A file is read once.
func (f *File) Read(_ context.Context, take func(alert.Alert), _ func(string, error)) error {
	if f.read {
		return nil
	}
	f.read = true
	in := f.In
	if f.Path != "-" {
		file, err := os.Open(f.Path)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	if err := decode(in, take); err != nil {
		return fmt.Errorf("read %s: %w", f.Path, err)
	}
	return nil
}

// Agent is a Source: one agent, by the address of its HTTP port,
// http://HOST:PORT, https://HOST:PORT or unix:PATH. A user and password may be
// part of it.
type Agent struct {
	Address string
	after   time.Time
}

// Read implements Source.
func (a *Agent) Read(ctx context.Context, take func(alert.Alert), _ func(string, error)) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	base, transport := strings.TrimSuffix(a.Address, "/"), http.DefaultTransport.(*http.Transport).Clone()
	if path, ok := strings.CutPrefix(base, "unix:"); ok {
		base = "http://agent"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	defer transport.CloseIdleConnections()
	query := url.Values{}
	if !a.after.IsZero() {
		query.Set(alert.IncidentsSince, a.after.Format(time.RFC3339Nano))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+alert.IncidentsPath+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 256))
		return fmt.Errorf("%s answers %s: %s", request.URL.Redacted(), answer.Status, bytes.TrimSpace(text))
	}
	return decode(answer.Body, func(i alert.Alert) {
		a.after = latest(a.after, &i)
		take(i)
	})
}

func latest(after time.Time, i *alert.Alert) time.Time {
	if i.Story.Updated.After(after) {
		return i.Story.Updated
	}
	return after
}

// Cluster is a Source: all agents of a cluster.
type Cluster struct {
	Client *cluster.Client
	after  map[string]time.Time // by node
}

// Read implements Source.
func (c *Cluster) Read(ctx context.Context, take func(alert.Alert), failed func(string, error)) error {
	agents, err := c.Client.Agents(ctx)
	if err != nil {
		return err
	}
	if c.after == nil {
		c.after = make(map[string]time.Time)
	}
	after := make([]time.Time, len(agents))
	for i, a := range agents {
		after[i] = c.after[a.Node]
	}
	for n, answer := range c.Client.Incidents(ctx, agents, after) {
		node := agents[n].Node
		err := answer.Err
		if err == nil {
			err = decode(bytes.NewReader(answer.Lines), func(i alert.Alert) {
				i.Node = node // an agent speaks for its own node alone
				c.after[node] = latest(c.after[node], &i)
				take(i)
			})
		}
		if err != nil {
			failed(node, err)
		}
	}
	return ctx.Err()
}

// decode reads lines of JSON. It skips alerts without a story.
func decode(in io.Reader, take func(alert.Alert)) error {
	lines := bufio.NewScanner(io.LimitReader(in, maxAnswer))
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var a alert.Alert
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if a.Story != nil && a.ID != "" {
			take(legible(a))
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a line of more than %d bytes", maxLine)
	}
	return lines.Err()
}
