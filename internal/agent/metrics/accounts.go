package metrics

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

// MaxLabelBytes bounds a label whose value others chose.
const MaxLabelBytes = 128

// Account holds the counts of one workload for /metrics. The engine writes it, a
// scrape reads it.
type Account struct {
	namespace, workload string
	holders             int // behaviours; guarded by Accounts.mu

	deviations rule.Tally    // acts, including repeats that the kernel held back
	alerts     rule.Tally    // new incidents
	progress   atomic.Uint64 // bits of a float64, see SetProgress
}

// Raise gives an alert to the dispatcher and counts it.
func (a *Account) Raise(to *delivery.Dispatcher, of alert.Alert) {
	a.deviations.Add(of.Rule, of.Severity, of.Count)
	if to.Enqueue(of) {
		a.alerts.Add(of.Rule, of.Severity, 1)
	}
}

// learned returns the share of the window that the workload's slowest
// container has, and false if all of it is guarded.
func (a *Account) learned() (float64, bool) {
	share := math.Float64frombits(a.progress.Load())
	return share, share <= 1
}

// GuardedProgress is beyond any share of a window.
const GuardedProgress = 2

// SetProgress publishes the share of the window that the workload has.
func (a *Account) SetProgress(share float64) { a.progress.Store(math.Float64bits(share)) }

// Accounts are the series of workloads. The lock is held for a map operation
// when a workload comes or goes, and for a copy of the list at scrape.
type Accounts struct {
	mu     sync.Mutex
	byName map[[2]string]*Account
	shared *Account
}

// NewAccounts returns no accounts but the shared one.
func NewAccounts() *Accounts {
	return &Accounts{byName: map[[2]string]*Account{}, shared: newAccount("", sharedAccount)}
}

func newAccount(namespace, workload string) *Account {
	a := &Account{namespace: namespace, workload: workload}
	a.SetProgress(GuardedProgress)
	return a
}

// Open returns the account of a workload. The caller closes it.
func (s *Accounts) Open(namespace, workload string) *Account {
	namespace = alert.Printable(namespace, MaxLabelBytes)
	workload = alert.Printable(workload, MaxLabelBytes)
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

// Close gives the place of a workload to another when nobody has its account.
func (s *Accounts) Close(a *Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a == s.shared {
		return
	}
	if a.holders--; a.holders == 0 {
		delete(s.byName, [2]string{a.namespace, a.workload})
	}
}

// Shared returns the account of the workloads that have none of their own.
func (s *Accounts) Shared() *Account { return s.shared }

// All returns the accounts, the shared one last.
func (s *Accounts) All() []*Account {
	s.mu.Lock()
	list := make([]*Account, 0, len(s.byName)+1)
	for _, a := range s.byName {
		list = append(list, a)
	}
	s.mu.Unlock()
	slices.SortFunc(list, func(a, b *Account) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.workload, b.workload))
	})
	return append(list, s.shared)
}
