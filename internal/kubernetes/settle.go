package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/flowcontrol"

	"bobwatch/internal/profile"
	"bobwatch/internal/workload"
)

const (
	// maxConflicts is how often in a row another node may write first.
	// firstConflict is the longest pause after the first time; it doubles each
	// time.
	maxConflicts  = 8
	firstConflict = 100 * time.Millisecond
)

var (
	// errUnreadable: somebody wrote something else into the ConfigMap.
	errUnreadable = errors.New("unreadable")
	errConflicts  = errors.New("others wrote each time")
)

// settle does the work that is due for key. An error comes from the API server, and may
// be temporary.
func (l *Learned) settle(ctx context.Context, key workload.Key) error {
	l.mu.Lock()
	e := l.shared[key]
	if e == nil { // forgotten meanwhile
		l.mu.Unlock()
		return nil
	}
	subject, put := e.subject, e.put
	l.mu.Unlock()
	var seen sighting
	var err error
	if put != nil {
		seen, err = l.write(ctx, &subject, put)
	} else {
		seen, err = l.lookAgain(ctx, e, &subject)
	}
	lasting := errors.Is(err, errUnreadable) || errors.Is(err, errTooLarge) || Refused(err)
	if err != nil && !lasting {
		if ctx.Err() == nil {
			l.client.metrics.learned.failures.unavailable.Inc()
		}
		return err
	}
	if err != nil {
		l.complain(&subject, err)
	}
	l.settled(e, put, seen, err)
	if seen.record != nil && seen.news && l.merged != nil {
		l.merged(key, *seen.record)
	}
	return nil
}

// sighting is the state of a record in the cluster.
type sighting struct {
	record  *Record
	version string
	news    bool // for who put something, or others did
	lost    bool // it was there and is not any more
}

// settled notes the outcome. err is nil or a lasting one.
func (l *Learned) settled(e *shared, put *Record, seen sighting, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if seen.lost && e.put == nil && e.own != nil {
		if r, err := decode(e.own, &e.subject.Key); err == nil {
			e.put = r
			l.client.metrics.learned.pending.Inc()
		}
	}
	retry := err != nil && !errors.Is(err, errTooLarge) && e.wanted
	if put != nil && e.put == put && !retry {
		e.put = nil
		l.client.metrics.learned.pending.Dec()
	}
	if put != nil && err == nil {
		e.own = pack(&e.subject, put)
	}
	switch {
	case retry:
		e.due = now.Add(jitter(refusedPause))
		return
	case e.put != nil:
		e.due = now.Add(rand.N(e.spread(maxSpread)))
	case !e.wanted:
		delete(l.shared, e.subject.Key)
	default:
		if seen.news || e.look == 0 {
			e.look = e.spread(firstLook)
		} else {
			e.look = min(2*e.look, lastLook)
		}
		e.due = now.Add(jitter(e.look))
	}
	if seen.version != "" {
		e.version = seen.version
	}
}

// jitter returns d, give or take half of it.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// pack returns a record to be kept in memory.
func pack(s *Subject, r *Record) *corev1.ConfigMap {
	m, err := encode(s, r, "")
	if err != nil {
		return nil // too large; nothing will be lost that was ever stored
	}
	if text, plain := m.Data[keyProfile]; plain {
		zipped, err := compress([]byte(text))
		if err != nil {
			return nil
		}
		m.Data, m.BinaryData = nil, map[string][]byte{keyCompressed: zipped}
	}
	return m
}

// write joins put with the cluster's record, and writes the facts that it lacks.
func (l *Learned) write(ctx context.Context, s *Subject, put *Record) (sighting, error) {
	for attempt := range maxConflicts {
		if attempt > 0 && !sleep(ctx, rand.N(firstConflict<<attempt)) {
			return sighting{}, ctx.Err()
		}
		have, m, err := l.read(ctx, s.Key, LearnedName(s.Key), readFrom(attempt), l.limit)
		if err != nil {
			return sighting{}, err
		}
		joined, worth := *put, true
		if have != nil {
			if joined, worth, err = update(have, put); err != nil {
				return sighting{}, err
			}
			worth = worth || !ownedBy(m, s)
		}
		joined.Name = LearnedName(s.Key)
		if !worth {
			return sighting{record: &joined, version: m.ResourceVersion, news: true}, nil
		}
		stored, err := l.store(ctx, s, &joined, m)
		switch {
		case err == nil:
			return sighting{record: &joined, version: stored.ResourceVersion, news: true}, nil
		case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), m != nil && apierrors.IsNotFound(err):
			l.client.metrics.learned.conflicts.Inc()
		default:
			return sighting{}, err
		}
	}
	return sighting{}, fmt.Errorf("write %s/%s: %w", s.Key.Namespace, LearnedName(s.Key), errConflicts)
}

// readFrom returns the resource version to read at: first from the memory of the API
// server, and after a conflict from etcd.
func readFrom(attempt int) string {
	if attempt == 0 {
		return "0"
	}
	return ""
}

// update joins put with have, and reports whether that is worth a write.
func update(have, put *Record) (joined Record, worth bool, err error) {
	missing := profile.Covers(have.Profile, put.Profile)
	with, err := join(have, put)
	if err != nil {
		return Record{}, false, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if n := countEntries(missing); n > 0 {
		with.NewFacts = n
	}
	return *with, len(missing) > 0 || have.advances(with), nil
}

// ownedBy reports whether m goes with the owner of s. One that was made again
// under the same name is another.
func ownedBy(m *corev1.ConfigMap, s *Subject) bool {
	return s.OwnerUID == "" || m.Annotations[AnnotationOwner] == s.OwnerUID
}

// store writes r over m, or to a new ConfigMap if m is nil.
func (l *Learned) store(ctx context.Context, s *Subject, r *Record, m *corev1.ConfigMap) (*corev1.ConfigMap, error) {
	version := ""
	if m != nil {
		version = m.ResourceVersion
	}
	next, err := encode(s, r, version)
	if errors.Is(err, errTooLarge) && m != nil {
		return nil, errors.Join(err, l.remark(ctx, m, err))
	}
	if err != nil {
		return nil, err
	}
	next.Namespace = l.namespace()
	request := l.client.core.Post()
	if version != "" {
		request = l.client.core.Put().Name(next.Name)
	}
	stored := &corev1.ConfigMap{}
	err = request.Namespace(next.Namespace).Resource("configmaps").Throttle(l.limit).Timeout(requestTimeout).
		Body(next).Do(ctx).Into(stored)
	if err == nil {
		l.client.metrics.learned.writes.Inc()
		l.client.metrics.learned.bytes.Add(float64(len(next.Data[keyProfile]) + len(next.BinaryData[keyCompressed])))
	}
	return stored, err
}

// remark says on the last good record why there is no newer one.
func (l *Learned) remark(ctx context.Context, m *corev1.ConfigMap, reason error) error {
	text := printable(reason.Error())
	if m.Annotations[AnnotationReason] == text {
		return nil
	}
	if m.Annotations == nil {
		m.Annotations = map[string]string{}
	}
	m.Annotations[AnnotationReason] = text
	m.Annotations[AnnotationCompleteness] = string(profile.Partial)
	return l.client.core.Put().Namespace(m.Namespace).Resource("configmaps").Name(m.Name).
		Throttle(l.limit).Timeout(requestTimeout).Body(m).Do(ctx).Error()
}

// read returns a record and its ConfigMap, or nothing if there is none.
func (l *Learned) read(ctx context.Context, key workload.Key, name, version string, limit flowcontrol.RateLimiter) (*Record, *corev1.ConfigMap, error) {
	m := &corev1.ConfigMap{}
	err := l.client.core.Get().Namespace(l.namespace()).Resource("configmaps").Name(name).
		VersionedParams(&metav1.GetOptions{ResourceVersion: version}, metav1.ParameterCodec).
		Throttle(limit).Timeout(requestTimeout).Do(ctx).Into(m)
	if apierrors.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	r, err := decode(m, &key)
	if err != nil {
		return nil, m, fmt.Errorf("%w: %s/%s: %w", errUnreadable, m.Namespace, m.Name, err)
	}
	return r, m, nil
}

// lookAgain finds out whether others wrote the record.
func (l *Learned) lookAgain(ctx context.Context, e *shared, s *Subject) (sighting, error) {
	name := LearnedName(s.Key)
	path := fmt.Sprintf("/api/v1/namespaces/%s/configmaps/%s", l.namespace(), name)
	found, err := l.client.metadata(ctx, path, "0", l.limit)
	if apierrors.IsNotFound(err) {
		return sighting{lost: true}, nil
	}
	if err != nil {
		return sighting{}, err
	}
	l.mu.Lock()
	known := e.version
	l.mu.Unlock()
	if found.ResourceVersion == known {
		return sighting{version: known}, nil
	}
	r, m, err := l.read(ctx, s.Key, name, found.ResourceVersion, l.limit)
	if err != nil || r == nil {
		return sighting{}, err
	}
	return sighting{record: r, version: m.ResourceVersion, news: true}, nil
}

// complain reports an error that will not go away by itself.
func (l *Learned) complain(s *Subject, err error) {
	event := &Event{Namespace: s.Key.Namespace, Message: err.Error(), Key: LearnedName(s.Key)}
	failures := &l.client.metrics.learned.failures
	switch {
	case errors.Is(err, errTooLarge):
		failures.tooLarge.Inc()
		event.Reason = reasonTooLarge
		event.APIVersion, event.Kind, event.Name, event.UID = s.OwnerAPIVersion, s.Key.OwnerKind, s.Key.OwnerName, s.OwnerUID
	case errors.Is(err, errUnreadable):
		failures.unreadable.Inc()
		event.Reason = reasonUnreadable
		event.APIVersion, event.Kind, event.Name, event.UID = s.OwnerAPIVersion, s.Key.OwnerKind, s.Key.OwnerName, s.OwnerUID
	default:
		failures.refused.Inc()
	}
	if event.Reason == "" || l.client.events.tell(event) {
		l.client.log.Error("share learned profile", zap.Stringer("workload", s.Key), zap.Error(err))
	}
}
