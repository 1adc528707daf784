package alert

import (
	"fmt"
	"slices"
	"time"

	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/host"
	"bobwatch/internal/process"
	"bobwatch/internal/rule"
)

// Bounds, in bytes, of the texts of a container in an alert. An alert is kept
// for as long as it may repeat, so its size times the number of kept ones is
// the memory a hostile node can claim.
const (
	maxPath         = 4096
	maxArgs         = 4096 // of the program whose execution deviated
	maxExe          = 512
	maxProcessArgs  = 1024
	maxAncestorArgs = 256
	maxName         = 256 // of workloads, pods, images and so on
)

// Builder makes alerts of deviations. It is used by one goroutine, the one
// that uses Processes.
type Builder struct {
	Node      string
	Arch      string // GOARCH of the node
	Processes *process.Table

	folded folder
}

// Build describes the deviation d of subject. It keeps no reference to the event. An
// execution that deviates has to be added to Processes before.
func (b *Builder) Build(d detector.Deviation, subject *Subject) Alert {
	e := d.Event
	boot := host.BootTime()
	var chain process.Chain
	b.Processes.Resolve(e, &chain)

	at := wall(boot, e.Time)
	a := Alert{
		Schema:    SchemaVersion,
		Rule:      d.Rule,
		RuleName:  d.Rule.Name(),
		Also:      also(&d),
		Severity:  d.Severity,
		Count:     1 + uint64(e.Repeats),
		First:     at,
		Last:      at,
		Node:      Printable(b.Node, maxName),
		Subject:   printableSubject(subject),
		Deviation: tellerOf(e.Kind).describe(b.Arch, e, &chain[0]),
		Origin:    originOf(e),
	}
	if e.Process.PID != 0 { // else a packet came in
		a.Process = describeProcess(&e.Process, &chain[0], boot, maxProcessArgs)
	}
	a.Lineage = append(a.Lineage, ProcessKey{e.Process.PID, e.Process.Start})
	for i := range e.NAncestors {
		a.Lineage = append(a.Lineage, ProcessKey{e.Ancestors[i].PID, e.Ancestors[i].Start})
		a.Ancestors = append(a.Ancestors,
			describeProcess(&e.Ancestors[i], &chain[1+i], boot, maxAncestorArgs))
	}
	a.Message = message(d, &a, &chain[0])
	fold := fold{folder: &b.folded, scope: subject.Fingerprint(d.Rule)}
	a.Fingerprint = subject.Fingerprint(d.Rule, tellerOf(e.Kind).identity(fold, d.Rule, e, &chain)...)
	a.ID = identify(a.Fingerprint, subject, b.Node, e.Time)
	a.Allow = allowanceOf(subject, e, &a.Deviation)
	return a
}

func also(d *detector.Deviation) []rule.ID {
	var ids []rule.ID
	for _, id := range d.Also {
		if id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// wall returns the time of ns since boot. Two readings of the clock differ by
// a few microseconds, so it is cut to the millisecond.
func wall(boot time.Time, ns uint64) time.Time {
	return boot.Add(time.Duration(ns)).UTC().Truncate(time.Millisecond)
}

func printableSubject(s *Subject) Subject {
	return Subject{
		Workload: Workload{
			Namespace: Printable(s.Workload.Namespace, maxName),
			Kind:      Printable(s.Workload.Kind, maxName),
			Name:      Printable(s.Workload.Name, maxName),
		},
		Pod: Pod{
			Name:   Printable(s.Pod.Name, maxName),
			UID:    Printable(s.Pod.UID, maxName),
			Labels: printableLabels(s.Pod.Labels),
		},
		Container: Container{
			ID:     Printable(s.Container.ID, maxName),
			Name:   Printable(s.Container.Name, maxName),
			Type:   Printable(s.Container.Type, maxName),
			Image:  Printable(s.Container.Image, 2*maxName),
			Digest: Printable(s.Container.Digest, maxName),
		},
		Profile: s.Profile,
	}
}

func printableLabels(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	printable := make(map[string]string, len(labels))
	for key, value := range labels {
		printable[Printable(key, maxName)] = Printable(value, maxName)
	}
	return printable
}

func fileOf(e *event.Event) File {
	f := File{
		Memfd:      e.Has(event.FlagMemfd),
		UpperLayer: e.Has(event.FlagUpperLayer),
		Deleted:    e.Has(event.FlagDeleted),
		Outside:    e.Has(event.FlagOutside),
		Inode:      e.Ino,
	}
	if e.Dev != 0 {
		// The kernel's own dev_t: 12 bits of major, 20 of minor.
		f.Device = fmt.Sprintf("%d:%d", e.Dev>>20, e.Dev&(1<<20-1))
	}
	return f
}

func originOf(e *event.Event) Origin {
	o := Origin{Kind: OriginUnknown, TTY: e.Has(event.FlagTTY)}
	switch e.Origin {
	case event.OriginEntrypoint:
		o.Kind = OriginEntrypoint
	case event.OriginOutside:
		o.Kind = OriginOutside
	case event.OriginHook:
		o.Kind = OriginHook
	}
	return o
}

func describeProcess(p *event.Process, c *process.Command, boot time.Time, limit int) Process {
	return Process{
		PID:        p.PID,
		Start:      wall(boot, p.Start),
		UID:        p.UID,
		Comm:       Printable(p.CommString(), maxName),
		Exe:        Printable(c.Exe, maxExe),
		Args:       printableArgs(c.Args, c.ArgsTruncated, limit),
		Forked:     c.Inherited,
		Memfd:      c.File&event.FlagMemfd != 0,
		UpperLayer: c.File&event.FlagUpperLayer != 0,
	}
}
