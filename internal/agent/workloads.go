package agent

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/agent/apiserver"
	"bobwatch/internal/agent/metrics"
	"bobwatch/internal/agent/notice"
	"bobwatch/internal/agent/store"
	"bobwatch/internal/alert"
	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/behaviour"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/learner"
	"bobwatch/internal/status"
	"bobwatch/internal/workload"
)

// maxDormant is how many workloads without an instance are kept in memory;
// older ones are read from the journal when they come back.
const maxDormant = 256

// saveInterval is how often a profile that still grows is written and shared, but
// at least saveShare times in a window: the facts of a node have to reach the other
// nodes before these end the window.
const (
	saveInterval = 30 * time.Second
	saveShare    = 20
)

// entry is a workload container with the agent's records about it.
type entry struct {
	*behaviour.Behaviour
	account *metrics.Account
	notKept uint64            // as last seen
	sources map[uint64]source // where programs were, see bind
	saved   time.Time
	unsaved bool
}

// workloads are all workload containers that run on the node or did lately.
// It belongs to the engine's goroutine.
type workloads struct {
	options  behaviour.Options
	node     string
	log      *zap.Logger
	cluster  *apiserver.Server
	journal  *learner.Journal
	store    *store.Store
	alerts   *delivery.Dispatcher
	accounts *metrics.Accounts
	metrics  *metrics.Counters
	apply    func(*entry) // writes the allowed acts of its instances to the kernel

	byKey   map[workload.Key]*entry
	dormant []*entry // without an instance, oldest first
	changed map[*entry]struct{}
}

// of finds or makes the entry of a container.
func (w *workloads) of(n *apiserver.Newcomer) *entry {
	key := n.Key()
	b := w.byKey[key]
	if b != nil {
		w.dormant = slices.DeleteFunc(w.dormant, func(d *entry) bool { return d == b })
	} else {
		b = w.make(n, key)
	}
	b.Meet(n.Settings, n.Subject, n.Learned, n.Predecessor, time.Now())
	w.settle(b)
	return b
}

func (w *workloads) make(n *apiserver.Newcomer, key workload.Key) *entry {
	b := &entry{
		Behaviour: behaviour.New(key, &n.Container, &w.options),
		account:   w.accounts.Open(n.Namespace, n.Owner.Name),
		sources:   map[uint64]source{},
	}
	state, facts, found, err := w.journal.Restore(b.Name)
	if err != nil {
		w.log.Error("restore from journal; learning from the start", zap.String("workload", b.Name), zap.Error(err))
	}
	if found {
		b.Restore(state, facts)
		b.unsaved = true // what came last may not have reached the other nodes
	}
	b.notKept = b.NotKept(time.Now())
	w.byKey[key] = b
	return b
}

// settle carries out the effects of b.
func (w *workloads) settle(b *entry) {
	effects := b.Effects()
	if effects.Journal {
		w.changed[b] = struct{}{}
	}
	if effects.Save {
		b.saved = time.Time{}
	}
	if effects.Unguarded {
		b.account.Raise(w.alerts, notice.NoProfile(w.node, b.Behaviour))
	}
	if effects.Apply {
		w.apply(b)
	}
	if effects.Share {
		w.cluster.Share(b.Behaviour, time.Now())
	}
}

// join and part are for an instance that comes and goes.
func (w *workloads) join(b *entry, in *behaviour.Instance) {
	b.Join(in, time.Now())
	w.settle(b)
}

func (w *workloads) part(b *entry, in *behaviour.Instance) {
	b.Leave(in, time.Now())
	w.settle(b)
	if b.Running() == 0 {
		w.dormant = append(w.dormant, b)
		w.cluster.Leave(b.Key)
	}
}

// tick does work that is due by time, or by a change of documents.
func (w *workloads) tick(now time.Time) {
	for _, b := range w.byKey {
		b.Tick(now)
		w.settle(b)
	}
	w.journalChanges()
	w.evictDormant()
	for _, b := range w.byKey {
		if b.unsaved && now.Sub(b.saved) >= min(saveInterval, b.Window()/saveShare) {
			w.save(b)
		}
	}
}

// journalChanges gives the journal what was learned since the last time.
func (w *workloads) journalChanges() {
	now := time.Now()
	for b := range w.changed {
		w.journal.Append(b.Take(now))
		b.unsaved = true
	}
	clear(w.changed)
}

// evictDormant forgets the oldest workloads without an instance. Their facts are in the
// journal.
func (w *workloads) evictDormant() {
	for len(w.dormant) > maxDormant {
		b := w.dormant[0]
		w.dormant = w.dormant[1:]
		if b.unsaved {
			w.save(b)
		}
		w.drop(b)
	}
}

// finish writes all that is not written yet.
func (w *workloads) finish() {
	w.journalChanges()
	for _, b := range w.byKey {
		if b.unsaved {
			w.save(b)
		}
	}
}

// save hands the learned profile to the store, and to the other nodes.
func (w *workloads) save(b *entry) {
	b.saved, b.unsaved = time.Now(), false
	w.store.Put(b.Name, b.Profile(b.saved))
	w.cluster.Share(b.Behaviour, time.Now())
}

// learnedElsewhere adds the facts that all nodes together know about a workload
// container.
func (w *workloads) learnedElsewhere(key workload.Key, r *kubernetes.Record) {
	if b := w.byKey[key]; b != nil {
		now := time.Now()
		b.Absorb(r, nil, now)
		b.Settle(now)
		w.settle(b)
	}
}

// markSeen makes the journal note which workloads run.
func (w *workloads) markSeen() {
	for _, b := range w.byKey {
		if b.Running() > 0 {
			w.changed[b] = struct{}{}
		}
	}
}

// forget removes the facts about the workload containers with these names, unless they
// have come back.
func (w *workloads) forget(names []string) {
	known := make(map[string]*entry, len(w.byKey))
	for _, b := range w.byKey {
		known[b.Name] = b
	}
	for _, name := range names {
		b := known[name]
		if b != nil && b.Running() > 0 {
			continue
		}
		if b != nil {
			w.dormant = slices.DeleteFunc(w.dormant, func(d *entry) bool { return d == b })
			w.drop(b)
		}
		w.journal.Forget(name)
		if err := w.store.Remove(name); err != nil {
			w.log.Error("forget workload", zap.String("workload", name), zap.Error(err))
		}
		w.log.Info("forgot workload that was not seen for long", zap.String("workload", name))
	}
}

// drop removes a workload from memory.
func (w *workloads) drop(b *entry) {
	delete(w.byKey, b.Key)
	delete(w.changed, b)
	w.accounts.Close(b.account)
}

// countStates publishes the counts of states for the next scrape.
func (w *workloads) countStates(now time.Time) {
	running, containers := map[status.State]int64{}, map[status.State]int64{}
	progress := map[*metrics.Account]float64{w.accounts.Shared(): metrics.GuardedProgress}
	for _, b := range w.byKey {
		if notKept := b.NotKept(now); notKept > b.notKept {
			w.metrics.NotKept.Add(notKept - b.notKept)
			b.notKept = notKept
		}
		n := int64(b.Running())
		running[b.State] += min(n, 1)
		containers[b.State] += n
		share := float64(metrics.GuardedProgress)
		if b.State == status.Learning {
			share = min(b.Progress(now), 1)
		}
		if other, ok := progress[b.account]; ok {
			share = min(share, other)
		}
		progress[b.account] = share
	}
	for account, share := range progress {
		account.SetProgress(share)
	}
	for i, state := range metrics.States {
		w.metrics.Workloads[i].Store(running[state])
		w.metrics.Containers[i].Store(containers[state])
	}
}

// status describes every workload container that runs.
func (w *workloads) status(now time.Time) []status.Workload {
	list := []status.Workload{}
	for _, b := range w.byKey {
		if b.Running() > 0 {
			list = append(list, describe(b, now))
		}
	}
	slices.SortFunc(list, func(a, b status.Workload) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Container, b.Container), cmp.Compare(a.Digest, b.Digest))
	})
	return list
}

func describe(b *entry, now time.Time) status.Workload {
	m := &b.Model
	w := status.Workload{
		Namespace: alert.Printable(m.Namespace, metrics.MaxLabelBytes),
		Kind:      alert.Printable(m.Owner.Kind, metrics.MaxLabelBytes),
		Name:      alert.Printable(m.Owner.Name, 2*metrics.MaxLabelBytes),
		Container: alert.Printable(m.Name, 2*metrics.MaxLabelBytes),
		Image:     alert.Printable(m.Image, 4*metrics.MaxLabelBytes),
		Digest:    alert.Printable(m.ImageDigest, metrics.MaxLabelBytes),
	}
	behaviour.Describe(b.Behaviour, &w, now)
	for in := range b.Instances() {
		w.Instances = append(w.Instances, status.Instance{
			ID: alert.Printable(in.Container.ID, metrics.MaxLabelBytes), Pod: alert.Printable(in.Container.Pod, 2*metrics.MaxLabelBytes),
		})
	}
	slices.SortFunc(w.Instances, func(a, b status.Instance) int { return cmp.Compare(a.ID, b.ID) })
	return w
}

// expiryInterval is how often stale workloads are evicted. Workloads that run
// are marked as seen as often.
const expiryInterval = 12 * time.Hour

// expire forgets the facts about workloads that have not been seen for long.
func (a *agent) expire(ctx context.Context) {
	e := a.engine
	ticker := time.NewTicker(expiryInterval)
	defer ticker.Stop()
	for {
		e.post(ctx, e.workloads.markSeen)
		keys, err := e.workloads.journal.Unseen(time.Now().Add(-time.Duration(a.config.Learning.Keep)))
		if err != nil {
			a.log.Error("look for workloads to forget", zap.Error(err))
		}
		e.post(ctx, func() { e.workloads.forget(keys) })
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
