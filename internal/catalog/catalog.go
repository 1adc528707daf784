// Package catalog holds the documents in force: those that a source published, that
// could be read, and that a signer vouches for whom the trust policy allows to do so.
//
// Invariant: it fails closed. A document that cannot be read or verified allows
// nothing; the last version of it that could stays in force until a good one
// replaces it, or its source stops publishing it.
package catalog

import (
	"crypto/sha256"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bobwatch/internal/profile"
	"bobwatch/internal/signature"
)

// Options of a Catalog. Refused and Accepted are called by the goroutine that
// publishes, without a lock held, once for each new version of a document; nil
// ignores them.
type Options struct {
	Verifier   *signature.Verifier
	Refused    func(Refusal)
	Accepted   func(Acceptance)
	Registerer prometheus.Registerer // nil keeps the metrics unregistered
}

// Catalog is the set of documents in force. For and Version may be called from
// any goroutine at any time and take no lock.
type Catalog struct {
	options Options
	metrics *metrics

	mu      sync.Mutex                   // of publishing
	sources map[string]map[string]*entry // source -> document -> its state

	inForce atomic.Pointer[snapshot]
}

// entry is the state of one document of one source.
type entry struct {
	seen    [sha256.Size]byte // digest of the version looked at last
	grants  []grant           // of the last good version; nil if there was none
	refused error             // why the version looked at last is not in force
}

// snapshot is immutable once it is published.
type snapshot struct {
	version uint64
	grants  []grant
}

// New returns an empty catalog.
func New(options Options) *Catalog {
	c := &Catalog{
		options: options,
		metrics: newMetrics(options.Registerer),
		sources: make(map[string]map[string]*entry),
	}
	c.inForce.Store(&snapshot{})
	return c
}

// Version changes whenever For may answer differently. A caller that asks Version before
// For misses no change: a later Version shows it.
func (c *Catalog) Version() uint64 { return c.inForce.Load().version }

// Allowed holds the acts that all documents in force allow a container. It must not be
// changed.
type Allowed struct {
	Containers []profile.Container
	// Senses are the sections that the documents speak for together, sorted.
	Senses []profile.Sense
	// Base is set if one of the documents describes all that the container
	// does. Without, it has no profile: allowances and documents that speak of
	// the network only guard nothing.
	Base bool
	// Completeness is the worst of those documents'.
	Completeness profile.Completeness
}

// Query asks about one container of a workload.
type Query struct {
	Workload  profile.Workload
	Container string
	Type      profile.ContainerType
	// Document, if set, is the only one that counts, by its metadata's name,
	// besides allowances.
	Document string
}

// For returns the acts that all matching documents in force allow the container.
func (c *Catalog) For(q Query) Allowed {
	var allowed Allowed
	grants := c.inForce.Load().grants
	for i := range grants {
		p := grants[i].profile
		if !grants[i].appliesTo(&q.Workload) || !p.IsAllowance() && q.Document != "" && q.Document != p.Metadata.Name {
			continue
		}
		for j := range p.Spec.Containers {
			entry := &p.Spec.Containers[j]
			if !isFor(entry, q.Container, q.Type) {
				continue
			}
			allowed.Containers = append(allowed.Containers, *entry)
			senses := p.SensesOf(entry)
			allowed.Senses = profile.JoinSenses(allowed.Senses, senses)
			if slices.ContainsFunc(senses, isBase) {
				allowed.Base = true
				allowed.Completeness = profile.WorseCompleteness(allowed.Completeness, p.Spec.Provenance.Completeness)
			}
		}
	}
	return allowed
}

// isBase reports whether a document that speaks for s takes the place of learning.
// One of the network alone does not.
func isBase(s profile.Sense) bool { return slices.Contains(profile.DefaultSenses, s) }

// Publish replaces all that source published before. Documents that did not
// change are not looked at again.
func (c *Catalog) Publish(source string, documents []Document) {
	p := publication{catalog: c, source: source, now: time.Now()}
	c.mu.Lock()
	next := p.apply(c.sources[source], documents)
	if len(next) == 0 {
		delete(c.sources, source)
	} else {
		c.sources[source] = next
	}
	if p.changed {
		c.publishSnapshot()
	}
	c.mu.Unlock()
	p.report()
}

// Withdraw takes everything of a source out of force.
func (c *Catalog) Withdraw(source string) { c.Publish(source, nil) }

// publishSnapshot is called with mu held. The same documents come in the same order, so
// that the profiles compiled from them are the same, too.
func (c *Catalog) publishSnapshot() {
	next := &snapshot{version: c.inForce.Load().version + 1}
	for _, source := range slices.Sorted(maps.Keys(c.sources)) {
		documents := c.sources[source]
		for _, name := range slices.Sorted(maps.Keys(documents)) {
			next.grants = append(next.grants, documents[name].grants...)
		}
	}
	c.metrics.inForce.Set(float64(len(next.grants)))
	c.inForce.Store(next)
}

// publication is one call of Publish under way.
type publication struct {
	catalog  *Catalog
	source   string
	now      time.Time
	changed  bool
	refused  []Refusal
	accepted []Acceptance
}

// apply returns the source's entries after it published documents.
func (p *publication) apply(previous map[string]*entry, documents []Document) map[string]*entry {
	next := make(map[string]*entry, len(documents))
	for i := range documents {
		d := &documents[i]
		next[d.Name] = p.update(previous[d.Name], d)
	}
	for name, e := range previous {
		if next[name] == nil && e.grants != nil {
			p.changed = true
		}
	}
	return next
}

// update returns the entry of d after a look at its present version.
func (p *publication) update(previous *entry, d *Document) *entry {
	seen := d.digest()
	if previous != nil && previous.seen == seen {
		return previous
	}
	grants, err := load(p.catalog.options.Verifier, d)
	if err != nil {
		e := &entry{seen: seen, refused: err}
		if previous != nil {
			e.grants = previous.grants
		}
		p.refuse(d, err, e.grants != nil)
		return e
	}
	p.changed = true
	for _, g := range grants {
		p.accepted = append(p.accepted, Acceptance{
			Source: p.source, Name: d.Name, Trust: g.trust, Time: p.now, Warnings: g.warnings(),
		})
	}
	return &entry{seen: seen, grants: grants}
}

func (p *publication) refuse(d *Document, err error, inForce bool) {
	p.refused = append(p.refused, Refusal{
		Source: p.source, Name: d.Name, Reason: reasonOf(err), Err: err, Time: p.now, InForce: inForce,
	})
}

func (p *publication) report() {
	for _, r := range p.refused {
		p.catalog.metrics.refusals[r.Reason].Inc()
		if p.catalog.options.Refused != nil {
			p.catalog.options.Refused(r)
		}
	}
	for _, a := range p.accepted {
		if p.catalog.options.Accepted != nil {
			p.catalog.options.Accepted(a)
		}
	}
}
