package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"bobwatch/internal/docfile"
	"bobwatch/internal/observe"
	"bobwatch/internal/term"
	"bobwatch/internal/yamlfile"
)

// nodeTrial is the request of bobctl test to bobctl on a node, as JSON on standard input. The watch ends when standard input does, at the latest after For.
type nodeTrial struct {
	Document []byte           `json:"document"` // YAML
	Workload observe.Workload `json:"workload"`
	For      time.Duration    `json:"for"`
	// Expected says that the workload is about to be deployed.
	Expected bool `json:"expected"`
}

// watching is the answer of bobctl on a node once it watches everything. A report.Trial follows when the watch is over.
type watching struct {
	Watching bool `json:"watching"`
}

// Watch carries out the request on standard input, and answers on standard
// output.
func Watch(ctx context.Context, t *term.Terminal, tool string) error {
	var request nodeTrial
	in := json.NewDecoder(io.LimitReader(t.In, 2*yamlfile.MaxInputBytes))
	if err := in.Decode(&request); err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	documents, err := docfile.Parse(docfile.Stdin, request.Document)
	if err != nil {
		return err
	}
	observer, err := observe.Containers(observe.Target{Workload: request.Workload, Expected: request.Expected}, nil)
	if err != nil {
		return err
	}
	out := json.NewEncoder(t.Out)
	if err := out.Encode(watching{Watching: true}); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, t.In) // it ends when nobody asks any more
		stop()
	}()
	judge, err := newJudge(documents[0], "", hostname(), tool)
	if err != nil {
		return err
	}
	trial, err := observeTrial(ctx, observer, judge, request.For)
	if err != nil {
		return err
	}
	return out.Encode(trial)
}
