package delivery

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"bobwatch/internal/alert"
)

// spool keeps alerts of one sink on disk until they are delivered, in the order
// in which they were raised. A repeat replaces the alert that it repeats, so an
// incident that goes on during an outage takes the room of one alert.
//
// It is bounded twice: all alerts together, and those of one workload's
// container to a quarter, so that one cannot take the room of the others.
//
// The index in memory is what counts; the file follows it, or is behind with
// deletions that failed. See openSpool for how it is made.
type spool struct {
	db       *bbolt.DB
	maxBytes int64

	order      []*spooled // oldest first
	byIncident map[incident]*spooled
	byWorkload map[workloadKey]int64 // bytes
	bytes      int64
	nextKey    uint64
	gone       []uint64 // keys that are still to be deleted from the file
}

// spooled is one alert in the file.
type spooled struct {
	key      uint64
	size     int64
	incident incident
	workload workloadKey
}

// incident distinguishes an alert that repeats another from one that came after the
// other was over.
type incident struct {
	fingerprint string
	first       int64 // nanoseconds
}

// spooledOverhead is the approximate size of an alert in the index.
const spooledOverhead = 512

var alertsBucket = []byte("alerts")

// load makes the index from the file.
func (s *spool) load() error {
	s.order, s.bytes = nil, 0
	s.byIncident, s.byWorkload = make(map[incident]*spooled), make(map[workloadKey]int64)
	gone := make(map[uint64]bool, len(s.gone))
	for _, key := range s.gone {
		gone[key] = true
	}
	return s.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(alertsBucket)
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(key, value []byte) error {
			if len(key) != 8 || gone[binary.BigEndian.Uint64(key)] {
				return nil
			}
			var a alert.Alert
			if err := json.Unmarshal(value, &a); err != nil {
				s.gone = append(s.gone, binary.BigEndian.Uint64(key))
				return nil
			}
			s.put(binary.BigEndian.Uint64(key), &a, int64(len(value)))
			return nil
		})
	})
}

// put adds a to the index, in the place of the alert that it repeats.
func (s *spool) put(key uint64, a *alert.Alert, size int64) {
	entry := &spooled{key: key, size: size + spooledOverhead, incident: incidentOf(a), workload: keyOf(a)}
	if old, ok := s.byIncident[entry.incident]; ok {
		s.account(old, -old.size)
		old.size = entry.size
		s.account(old, old.size)
		return
	}
	s.order = append(s.order, entry)
	s.byIncident[entry.incident] = entry
	s.account(entry, entry.size)
	s.nextKey = max(s.nextKey, key+1)
}

func (s *spool) account(entry *spooled, bytes int64) {
	s.bytes += bytes
	s.byWorkload[entry.workload] += bytes
	if s.byWorkload[entry.workload] == 0 {
		delete(s.byWorkload, entry.workload)
	}
}

func incidentOf(a *alert.Alert) incident {
	return incident{a.Fingerprint, a.First.UnixNano()}
}

// add appends alerts, and returns how many of them found no room. If there is
// an error, none were added.
func (s *spool) add(alerts []*alert.Alert) (refused int, err error) {
	err = s.db.Update(func(tx *bbolt.Tx) error {
		bucket, err := s.prepare(tx)
		if err != nil {
			return err
		}
		for _, a := range alerts {
			value, err := json.Marshal(a)
			if err != nil {
				return err
			}
			if !s.fits(a, int64(len(value))+spooledOverhead) {
				refused++
				continue
			}
			key := s.nextKey
			if old, ok := s.byIncident[incidentOf(a)]; ok {
				key = old.key
			}
			if err := bucket.Put(binary.BigEndian.AppendUint64(nil, key), value); err != nil {
				return err
			}
			s.put(key, a, int64(len(value)))
		}
		return nil
	})
	if err != nil {
		// The index is ahead of the contents of the file.
		return 0, errors.Join(fmt.Errorf("store alerts: %w", err), s.load())
	}
	s.gone = nil
	return refused, nil
}

// fits reports whether there is room for size bytes of a.
func (s *spool) fits(a *alert.Alert, size int64) bool {
	if old, ok := s.byIncident[incidentOf(a)]; ok {
		size -= old.size
	}
	return s.bytes+size <= s.maxBytes && s.byWorkload[keyOf(a)]+size <= s.maxBytes/4
}

// prepare returns the bucket, without the alerts that are gone.
func (s *spool) prepare(tx *bbolt.Tx) (*bbolt.Bucket, error) {
	bucket, err := tx.CreateBucketIfNotExists(alertsBucket)
	if err != nil {
		return nil, err
	}
	for _, key := range s.gone {
		if err := bucket.Delete(binary.BigEndian.AppendUint64(nil, key)); err != nil {
			return nil, err
		}
	}
	return bucket, nil
}

func (s *spool) len() int { return len(s.order) }

// oldest returns the first alerts, at most n. It removes and counts unreadable ones.
func (s *spool) oldest(n int) (alerts []alert.Alert, unreadable int) {
	var bad []*spooled
	// A view of an open file does not fail.
	_ = s.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(alertsBucket)
		for _, entry := range s.order[:min(n, len(s.order))] {
			var a alert.Alert
			if json.Unmarshal(bucket.Get(binary.BigEndian.AppendUint64(nil, entry.key)), &a) != nil {
				bad = append(bad, entry)
				continue
			}
			alerts = append(alerts, a)
		}
		return nil
	})
	for _, entry := range bad {
		s.drop(entry)
		s.order = slices.DeleteFunc(s.order, func(e *spooled) bool { return e == entry })
	}
	return alerts, len(bad)
}

// postpone puts the first alert behind the others, until the file is opened
// again.
func (s *spool) postpone() { s.order = append(s.order[1:], s.order[0]) }

// drop takes entry out of the index, all but order.
func (s *spool) drop(entry *spooled) {
	delete(s.byIncident, entry.incident)
	s.account(entry, -entry.size)
	s.gone = append(s.gone, entry.key)
}

// remove removes the first n alerts. After an error they are gone all the same,
// but would come back at the next start if the file cannot be written by then.
func (s *spool) remove(n int) error {
	for _, entry := range s.order[:n] {
		s.drop(entry)
	}
	clear(s.order[:n])
	s.order = s.order[n:]
	if len(s.gone) == 0 {
		return nil
	}
	err := s.db.Update(func(tx *bbolt.Tx) error {
		_, err := s.prepare(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("remove delivered alerts: %w", err)
	}
	s.gone = nil
	return nil
}

func (s *spool) close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close queue of alerts: %w", err)
	}
	return nil
}
