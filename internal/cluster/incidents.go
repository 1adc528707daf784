package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"bobwatch/internal/alert"
)

// History holds the incidents of one agent, as lines of JSON.
type History struct {
	Lines []byte
	Err   error
}

const (
	historyTimeout = time.Minute
	// maxHistoryBytes bounds an answer; an agent keeps 64 MiB unless its
	// configuration says otherwise.
	maxHistoryBytes = 256 << 20
)

// Incidents asks all agents at once for the incidents that they wrote after a
// time each. The answers are in the order of agents.
func (c *Client) Incidents(ctx context.Context, agents []Agent, after []time.Time) []History {
	answers := make([]History, len(agents))
	var group errgroup.Group
	group.SetLimit(maxRequests)
	for i, a := range agents {
		group.Go(func() error {
			lines, err := c.incidents(ctx, a, after[i])
			answers[i] = History{lines, err}
			return nil
		})
	}
	_ = group.Wait() // they return none
	return answers
}

func (c *Client) incidents(ctx context.Context, a Agent, after time.Time) ([]byte, error) {
	if a.Problem != "" {
		return nil, errors.New(a.Problem)
	}
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	request := c.CoreV1().RESTClient().Get().
		Namespace(a.Namespace).Resource("pods").
		Name(utilnet.JoinSchemeNamePort(a.scheme, a.Pod, strconv.Itoa(int(a.port)))).
		SubResource("proxy").Suffix(alert.IncidentsPath)
	if !after.IsZero() {
		request = request.Param(alert.IncidentsSince, after.Format(time.RFC3339Nano))
	}
	body, err := request.Stream(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, errors.New("no answer in time")
	}
	if err != nil {
		return nil, fmt.Errorf("ask for incidents: %w", err)
	}
	defer body.Close()
	lines, err := io.ReadAll(io.LimitReader(body, maxHistoryBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read incidents: %w", err)
	}
	if len(lines) > maxHistoryBytes {
		return nil, fmt.Errorf("read incidents: more than %d bytes", maxHistoryBytes)
	}
	return lines, nil
}
