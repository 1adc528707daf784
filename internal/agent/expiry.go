package agent

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"
)

// expiryInterval is how often it is looked what nobody has seen for long.
// Whatever runs is marked as seen as often.
const expiryInterval = 12 * time.Hour

// expire forgets what was learned of workloads that are seen no more.
func (a *agent) expire(ctx context.Context) {
	ticker := time.NewTicker(expiryInterval)
	defer ticker.Stop()
	for {
		a.engine.post(ctx, a.engine.markSeen)
		keys, err := a.engine.journal.Unseen(time.Now().Add(-time.Duration(a.config.Learning.Keep)))
		if err != nil {
			a.log.Error("look for workloads to forget", zap.Error(err))
		}
		a.engine.post(ctx, func() { a.engine.forget(keys) })
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// markSeen has the journal note which workloads run.
func (e *engine) markSeen() {
	for _, b := range e.workloads {
		if len(b.instances) > 0 {
			e.changed[b] = struct{}{}
		}
	}
}

// forget removes what was learned of the workload containers with these names,
// unless they have come back.
func (e *engine) forget(names []string) {
	known := make(map[string]*behaviour, len(e.workloads))
	for _, b := range e.workloads {
		known[b.name] = b
	}
	for _, name := range names {
		b := known[name]
		if b != nil && len(b.instances) > 0 {
			continue
		}
		if b != nil {
			e.dormant = slices.DeleteFunc(e.dormant, func(d *behaviour) bool { return d == b })
			e.drop(b)
		}
		e.journal.Forget(name)
		if err := e.store.remove(name); err != nil {
			e.log.Error("forget workload", zap.String("workload", name), zap.Error(err))
		}
		e.log.Info("forgot workload that was not seen for long", zap.String("workload", name))
	}
}

// drop removes a behaviour from memory.
func (e *engine) drop(b *behaviour) {
	delete(e.workloads, b.key)
	delete(e.changed, b)
	e.accounts.close(b.account)
}
