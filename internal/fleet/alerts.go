package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/cluster"
	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/severity"
	"bobwatch/internal/term"
)

// Alerts prints the incidents of a cluster, from the logs of its agents.
type Alerts struct {
	Terminal *term.Terminal
	Format   term.Format
	Cluster  cluster.Flags
	Follow   bool
	Since    time.Duration
	Severity string // the least
	Workload string // the only one, NAMESPACE/KIND/NAME; an empty part is any
}

// Run prints the incidents.
func (o *Alerts) Run(ctx context.Context) error {
	wanted, err := o.Filter()
	if err != nil {
		return err
	}
	client, err := o.Cluster.Connect()
	if err != nil {
		return err
	}
	incidents := NewIncidents()
	var unread, written error
	watch := cluster.Watch{
		Since:  time.Now().Add(-o.Since),
		Follow: o.Follow,
		Trouble: func(a cluster.Agent, err error) {
			fmt.Fprintf(o.Terminal.Err, "warning: %s: %s\n", term.Word(a.Node), term.Escape(err.Error()))
			unread = errors.New("not all alerts could be read")
		},
	}
	err = client.Alerts(ctx, watch, func(a alert.Alert) {
		if !wanted(&a) {
			return
		}
		i, fresh := incidents.Add(&a)
		if o.Follow && written == nil {
			written = o.write(i, fresh)
		}
	})
	if err != nil {
		return fmt.Errorf("read alerts: %w", err)
	}
	if o.Follow {
		return written // an interruption is how it ends
	}
	return errors.Join(o.writeAll(incidents), unread)
}

// Filter returns what decides whether an alert is of interest.
func (o *Alerts) Filter() (func(*alert.Alert) bool, error) {
	least, err := severity.Parse(o.Severity)
	if err != nil {
		return nil, term.Usagef("--severity: %v", err)
	}
	if o.Since <= 0 {
		return nil, term.Usagef("--since %s: want a time that is over", o.Since)
	}
	var only profile.Workload
	if o.Workload != "" {
		if only, err = docfile.ParseWorkload(o.Workload); err != nil {
			return nil, term.Usagef("--workload %s: %v", term.Word(o.Workload), err)
		}
	}
	is := func(want, got string) bool { return want == "" || want == got }
	return func(a *alert.Alert) bool {
		w := &a.Workload
		return a.Severity >= least && is(o.Cluster.Namespace, w.Namespace) &&
			is(only.Namespace, w.Namespace) && is(only.Kind, w.Kind) && is(only.Name, w.Name)
	}, nil
}

// writeAll writes all incidents, the newest last.
func (o *Alerts) writeAll(all *Incidents) error {
	sorted := all.Sorted()
	if len(sorted) == 0 && o.Format == term.Table {
		fmt.Fprintf(o.Terminal.Err, "no alerts in the last %s\n", o.Since)
	}
	for _, i := range sorted {
		if err := o.write(i, true); err != nil {
			return err
		}
	}
	return nil
}

// write writes an incident; fresh says that it was not written before.
func (o *Alerts) write(i *Incident, fresh bool) error {
	switch o.Format {
	case term.JSON:
		return o.Format.Line(o.Terminal.Out, i.Result())
	case term.YAML:
		fmt.Fprintln(o.Terminal.Out, "---")
		return o.Format.Encode(o.Terminal.Out, i.Result())
	}
	_, err := fmt.Fprint(o.Terminal.Out, Text(o.Terminal, i, fresh, time.Now()))
	return err
}
