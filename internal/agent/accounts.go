package agent

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"bobwatch/internal/alert"
	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/rule"
)

// maxAccounts bounds the workloads that have series of their own in /metrics.
// Those that come when there are as many share one account.
const maxAccounts = 200

// sharedAccount names the workload that stands for all without an account.
const sharedAccount = "_other"

// maxLabelBytes bounds a label whose value others chose.
const maxLabelBytes = 128

// account is what /metrics tells of one workload. The engine writes it, a
// scrape reads it.
type account struct {
	namespace, workload string
	holders             int // behaviours; guarded by accounts.mu

	deviations rule.Tally    // acts, with what the kernel held back of the same
	alerts     rule.Tally    // new incidents
	progress   atomic.Uint64 // bits of a float64, see setProgress

	least float64 // of the round that is under way; the engine's
}

// raise gives an alert to the dispatcher and counts it.
func (a *account) raise(to *delivery.Dispatcher, of alert.Alert) {
	a.deviations.Add(of.Rule, of.Severity, of.Count)
	if to.Enqueue(of) {
		a.alerts.Add(of.Rule, of.Severity, 1)
	}
}

// learned returns the share of the window that the workload's slowest
// container has, and false if all of it is guarded.
func (a *account) learned() (float64, bool) {
	share := math.Float64frombits(a.progress.Load())
	return share, share <= 1
}

// guardedProgress is beyond any share of a window.
const guardedProgress = 2

func (a *account) setProgress(share float64) { a.progress.Store(math.Float64bits(share)) }

// accounts are the series of workloads. The lock is held for a map operation
// when a workload comes or goes, and for a copy of the list at scrape.
type accounts struct {
	mu     sync.Mutex
	byName map[[2]string]*account
	shared *account
}

func newAccounts() *accounts {
	return &accounts{byName: map[[2]string]*account{}, shared: newAccount("", sharedAccount)}
}

func newAccount(namespace, workload string) *account {
	a := &account{namespace: namespace, workload: workload}
	a.setProgress(guardedProgress)
	return a
}

// open returns the account of a workload. Whoever has it closes it.
func (s *accounts) open(namespace, workload string) *account {
	namespace = alert.Printable(namespace, maxLabelBytes)
	workload = alert.Printable(workload, maxLabelBytes)
	name := [2]string{namespace, workload}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byName[name]
	switch {
	case a != nil:
	case workload == sharedAccount || len(s.byName) >= maxAccounts:
		return s.shared
	default:
		a = newAccount(namespace, workload)
		s.byName[name] = a
	}
	a.holders++
	return a
}

// close gives the place of a workload to another when nobody has its account.
func (s *accounts) close(a *account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a == s.shared {
		return
	}
	if a.holders--; a.holders == 0 {
		delete(s.byName, [2]string{a.namespace, a.workload})
	}
}

// all returns the accounts, the shared one last.
func (s *accounts) all() []*account {
	s.mu.Lock()
	list := make([]*account, 0, len(s.byName)+1)
	for _, a := range s.byName {
		list = append(list, a)
	}
	s.mu.Unlock()
	slices.SortFunc(list, func(a, b *account) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.workload, b.workload))
	})
	return append(list, s.shared)
}
