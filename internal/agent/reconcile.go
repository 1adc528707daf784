package agent

import (
	"context"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/agent/apiserver"
	"bobwatch/internal/agent/notice"
	"bobwatch/internal/workload"
)

const (
	// reconcileInterval is how often the agent compares the running containers
	// with the watched ones. lossInterval is how soon it does so after a record of
	// a new cgroup was lost, or after an event came from an unannounced cgroup.
	reconcileInterval = 30 * time.Second
	lossInterval      = 250 * time.Millisecond
)

// reconcile takes over containers whose start the kernel could not report,
// until ctx ends.
func (a *agent) reconcile(ctx context.Context) {
	c := a.engine.containers
	ticker := time.NewTicker(lossInterval)
	defer ticker.Stop()
	var lost uint64
	var last time.Time
	var suspects []uint64
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			n := c.watcher.LostCgroups()
			// A container that was missing is looked at again at once: its
			// record may have been on its way.
			due := n != lost || c.unannounced.Swap(false) || len(suspects) > 0
			if !due && now.Sub(last) < reconcileInterval {
				continue
			}
			lost, last = n, now
			suspects = c.reconcile(ctx, suspects)
		}
	}
}

// reconcile starts to watch the containers in suspects that were missing before and
// still are. It returns those that are missing for the first time.
func (c *containers) reconcile(ctx context.Context, suspects []uint64) []uint64 {
	residents, err := c.resolver.Running(ctx)
	if err != nil {
		c.log.Debug("list running containers", zap.Error(err))
	}
	before := make(map[uint64]bool, len(suspects))
	for _, id := range suspects {
		before[id] = true
	}
	var missing []uint64
	var late []workload.Resident
	for _, r := range c.missing(ctx, residents, err == nil) {
		if before[r.CgroupID] {
			late = append(late, r)
		} else {
			missing = append(missing, r.CgroupID)
		}
	}
	newcomers := c.cluster.IdentifyAll(ctx, late)
	for i, r := range late {
		c.post(ctx, func() { c.adoptLate(newcomers[i], r) })
	}
	return missing
}

// missing returns those of the residents that are not watched. If they are all
// there are, cgroups that nobody announced and that are none of them are
// forgotten.
func (c *containers) missing(ctx context.Context, residents []workload.Resident, all bool) []workload.Resident {
	answer := make(chan []workload.Resident, 1)
	c.post(ctx, func() {
		var missing []workload.Resident
		runs := make(map[uint64]bool, len(residents))
		for _, r := range residents {
			runs[r.CgroupID] = true
			p := c.parked.Get(r.CgroupID)
			announced := p != nil && p.Path != ""
			if c.byCgroup[r.CgroupID] == nil && !announced && (!r.Sandbox || c.sandboxes) {
				missing = append(missing, r)
			}
		}
		if all && c.adopted {
			for _, id := range c.parked.Inherited() {
				if !runs[id] {
					c.dropParked(id)
				}
			}
		}
		answer <- missing
	})
	select {
	case missing := <-answer:
		return missing
	case <-ctx.Done():
		return nil
	}
}

// adoptLate starts to watch a container whose start was missed. Its earlier acts are
// missing from its profile.
func (c *containers) adoptLate(n *apiserver.Newcomer, r workload.Resident) {
	if c.byCgroup[r.CgroupID] != nil {
		return
	}
	c.adopt(n, r)
	in := c.byCgroup[r.CgroupID]
	if in == nil {
		if !r.Sandbox || c.sandboxes {
			subject := subjectOf(n)
			c.workloads.alerts.Enqueue(notice.Unwatched(notice.About{Node: c.workloads.node, Name: n.ID, Subject: &subject}))
		}
		return
	}
	in.behaviour.Lose(1)
	in.behaviour.LateStarts++
	c.workloads.settle(in.behaviour)
	c.metrics.Late.Add(1)
	in.behaviour.account.Raise(c.workloads.alerts, notice.Late(in.about(c.workloads.node)))
	c.log.Warn("the kernel could not report the start of a container; it is watched from now on",
		zap.String("container", in.Container.ID), zap.String("workload", in.behaviour.Name))
}
