package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bobwatch/internal/docfile"
	"bobwatch/internal/observation"
	"bobwatch/internal/observe"
	"bobwatch/internal/profile"
	"bobwatch/internal/term"
)

type recordOptions struct {
	observation.Observation
	quiet  time.Duration
	result docfile.Output
}

func newRecordCommand(t *term.Terminal) *cobra.Command {
	o := recordOptions{Observation: observation.Observation{Terminal: t}}
	c := &cobra.Command{
		Use:   "record [FLAG]... [-- CMD [ARGUMENT]...]",
		Short: "Watch a program or workload, and write its Bill of Behavior",
		Long: `Watch a program or workload, and write its Bill of Behavior: the system calls that
it makes, the programs that it executes, the files that it opens.
` + observationHelp + `

bobctl reports its progress on standard error: how many acts it has found, and for
how long nothing new has come. On a terminal this takes the last line; CMD has the
rest to itself. When CMD has ended, bobctl writes the document after CMD's own
standard output, or to the file that --out names. When --for is over, or with
ctrl-C, bobctl ends CMD and the processes that CMD left running, and records how
they end.

If bobctl missed the start, or lost records, the document says so, and bobctl show
calls it partial. Exits with 3 if CMD ended by itself and failed; bobctl still
writes the document.`,
		Example: `  bobctl record -o redis.yaml -- redis-server --port 7777
  bobctl record --until-quiet 10s -o nginx.yaml -- nginx -g 'daemon off;'
  bobctl record --pod shop/webapp-5d4b9c7f6-x2x7x/web --for 10m > webapp.yaml
  bobctl record --workload shop/deploy/webapp --for 1h -o webapp.yaml
  bobctl record --cgroup /system.slice/nginx.service --for 10m -o nginx.yaml
  kubectl exec -n bobwatch ds/bobwatch -- /bobctl record --workload shop/deploy/webapp --for 60s > webapp.yaml`,
		DisableFlagsInUseLine: true,

		RunE: func(c *cobra.Command, args []string) error { return runRecord(c.Context(), o, args) },
	}
	o.Register(c.Flags())
	c.Flags().DurationVar(&o.quiet, "until-quiet", 0, "end after `TIME` without anything new, such as 10s")
	c.Flags().StringVarP(&o.result.File, "out", "o", "", "write to `FILE` instead of standard output")
	return c
}

func runRecord(ctx context.Context, o recordOptions, args []string) error {
	if o.quiet < 0 {
		return term.Usagef("--until-quiet %s: want a time to come", o.quiet)
	}
	observer, err := o.Open(args)
	if err != nil {
		return err
	}
	recorder := observe.NewRecorder()
	err = o.record(ctx, observer, recorder)
	if err := errors.Join(err, observer.Close()); err != nil && !errors.Is(err, term.ErrFound) {
		return err
	}
	document, documentErr := recorder.Document("bobctl " + version)
	if documentErr != nil {
		return documentErr
	}
	text, documentErr := docfile.Marshal([]*profile.Profile{document})
	if documentErr != nil {
		return documentErr
	}
	if documentErr := o.result.Write(o.Terminal, text); documentErr != nil {
		return documentErr
	}
	fmt.Fprintln(o.Terminal.Err, observation.Remark(document, recorder.Progress(), o.result.File))
	return err
}

// record runs the observer and the counter concurrently.
func (o *recordOptions) record(ctx context.Context, observer *observe.Observer, recorder *observe.Recorder) error {
	ctx, stop := o.Limit(ctx)
	defer stop()
	counter := observation.NewCounter(o.Terminal.Err, recorder)
	done := make(chan struct{})
	go func() {
		defer close(done)
		counter.Run(ctx, o.quiet, stop)
	}()
	err := o.Run(ctx, observer, recorder)
	stop()
	<-done
	return err
}
