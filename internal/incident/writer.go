package incident

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"bobwatch/internal/alert"
)

const (
	// maxPending bounds the stories that wait for the disk.
	maxPending = 2 * maxIncidents
	// writeEvery is how often the disk is written to at most, and retryEvery
	// how soon after it failed.
	writeEvery = 200 * time.Millisecond
	retryEvery = 5 * time.Second
)

// tell takes the newest form of a story in.
func (h *History) tell(a *alert.Alert) {
	h.mu.Lock()
	if h.pending.stories == nil {
		h.pending.stories = make(map[string]*alert.Alert)
	}
	if _, ok := h.pending.stories[a.ID]; !ok && len(h.pending.stories) >= maxPending {
		h.stats.lost[lostQueueFull].Add(1)
	} else {
		h.pending.stories[a.ID] = a
	}
	h.mu.Unlock()
	h.wake()
}

// keep takes the newest form of an incident that goes on in, nil for one that
// is over. Nobody changes i any more.
func (h *History) keep(key string, i *incident) {
	h.mu.Lock()
	if h.pending.open == nil {
		h.pending.open = make(map[string]*incident)
	}
	if _, ok := h.pending.open[key]; !ok && len(h.pending.open) >= 2*maxPending {
		h.stats.lost[lostQueueFull].Add(1)
	} else {
		h.pending.open[key] = i
	}
	h.mu.Unlock()
	h.wake()
}

func (h *History) wake() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// Close writes the pending changes and closes the file.
func (h *History) Close() error {
	close(h.closing)
	<-h.done
	err := h.write()
	if err != nil {
		h.mu.Lock()
		h.stats.lost[lostShutdown].Add(uint64(len(h.pending.stories)))
		h.mu.Unlock()
	}
	return errors.Join(err, h.db.Close())
}

func (h *History) run() {
	defer close(h.done)
	wait := func(d time.Duration) bool {
		select {
		case <-h.closing:
			return false
		case <-time.After(d):
			return true
		}
	}
	for {
		select {
		case <-h.closing:
			return
		case <-h.changed:
		}
		pause := writeEvery
		if h.write() != nil {
			h.wake()
			pause = retryEvery
		}
		if !wait(pause) {
			return
		}
	}
}

// write writes the pending changes to disk. Changes that it cannot write stay pending.
func (h *History) write() error {
	h.writing.Lock()
	defer h.writing.Unlock()
	h.mu.Lock()
	p := h.pending
	h.pending = pending{}
	h.mu.Unlock()
	if p.empty() {
		return nil
	}
	h.last = later(time.Now(), h.last)
	batch := batch{history: h, now: h.last, changed: make(map[string]record), bytes: h.bytes}
	err := h.db.Update(func(tx *bbolt.Tx) error { return batch.write(tx, p) })
	if err != nil {
		h.stats.failures.Add(1)
		h.putBack(p)
		return fmt.Errorf("write history of incidents: %w", err)
	}
	batch.done()
	return nil
}

// later returns now, or what follows last where the clock was set back: readers
// go on from the time that they saw last.
func later(now, last time.Time) time.Time {
	if now = now.Round(0).UTC(); now.After(last) {
		return now
	}
	return last.Add(1)
}

// putBack queues the changes again that no newer change supersedes.
func (h *History) putBack(p pending) {
	h.mu.Lock()
	defer h.mu.Unlock()
	newer := h.pending
	h.pending = p
	for id, a := range newer.stories {
		if h.pending.stories == nil {
			h.pending.stories = newer.stories
			break
		}
		if _, ok := h.pending.stories[id]; !ok && len(h.pending.stories) >= maxPending {
			h.stats.lost[lostQueueFull].Add(1)
			continue
		}
		h.pending.stories[id] = a
	}
	for key, i := range newer.open {
		if h.pending.open == nil {
			h.pending.open = newer.open
			break
		}
		h.pending.open[key] = i
	}
}

// batch is one transaction, and what it changes once it is on disk.
type batch struct {
	history  *History
	now      time.Time
	changed  map[string]record // without a size: removed
	bytes    int64
	tooLarge uint64
	removed  [len(removedNames)]uint64
}

func (b *batch) write(tx *bbolt.Tx, p pending) error {
	for _, a := range p.stories {
		if err := b.put(tx, a); err != nil {
			return err
		}
	}
	if err := b.trim(tx); err != nil {
		return err
	}
	open := tx.Bucket(openBucket)
	for key, i := range p.open {
		if err := b.putOpen(open, key, i); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) put(tx *bbolt.Tx, a *alert.Alert) error {
	story := *a.Story
	story.Updated = b.now
	told := *a
	told.Story = &story
	var line bytes.Buffer
	if err := alert.JSON(&line, &told); err != nil || line.Len() > maxEntry {
		b.tooLarge++
		return nil
	}
	fresh := record{b.now, int64(line.Len())}
	if err := b.remove(tx, a.ID); err != nil {
		return err
	}
	b.changed[a.ID] = fresh
	b.bytes += fresh.size
	if err := tx.Bucket(writtenBucket).Put(fresh.key(a.ID), []byte{}); err != nil {
		return err
	}
	return tx.Bucket(storiesBucket).Put([]byte(a.ID), line.Bytes())
}

func (b *batch) record(id string) (record, bool) {
	if e, ok := b.changed[id]; ok {
		return e, e.size > 0
	}
	e, ok := b.history.known[id]
	return e, ok
}

func (b *batch) remove(tx *bbolt.Tx, id string) error {
	e, ok := b.record(id)
	if !ok {
		return nil
	}
	b.changed[id] = record{}
	b.bytes -= e.size
	if err := tx.Bucket(writtenBucket).Delete(e.key(id)); err != nil {
		return err
	}
	return tx.Bucket(storiesBucket).Delete([]byte(id))
}

// trim removes the oldest stories until the bounds hold.
func (b *batch) trim(tx *bbolt.Tx) error {
	count := len(b.history.known)
	for id, e := range b.changed {
		_, old := b.history.known[id]
		if old {
			count--
		}
		if e.size > 0 {
			count++
		}
	}
	limits := &b.history.limits
	cursor := tx.Bucket(writtenBucket).Cursor()
	for key, _ := cursor.First(); key != nil; key, _ = cursor.First() {
		id := string(key[8:])
		e, _ := b.record(id)
		switch {
		case count > limits.Count:
			b.removed[removedCount]++
		case b.bytes > limits.Bytes:
			b.removed[removedBytes]++
		case b.now.Sub(e.written) > limits.Age:
			b.removed[removedAge]++
		default:
			return nil
		}
		count--
		if err := b.remove(tx, id); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) putOpen(open *bbolt.Bucket, key string, i *incident) error {
	sum := sha256.Sum256([]byte(key)) // a key of bbolt's has a bound
	if i == nil {
		return open.Delete(sum[:])
	}
	value, err := json.Marshal(keptIncident{key, i})
	if err != nil || len(value) > maxEntry {
		b.tooLarge++
		return open.Delete(sum[:])
	}
	return open.Put(sum[:], value)
}

// done counts the stories that are on disk now.
func (b *batch) done() {
	h := b.history
	for id, e := range b.changed {
		if e.size == 0 {
			delete(h.known, id)
		} else {
			h.known[id] = e
		}
	}
	h.bytes = b.bytes
	h.stats.lost[lostTooLarge].Add(b.tooLarge)
	for reason, n := range b.removed {
		h.stats.removed[reason].Add(n)
	}
	h.stats.level(len(h.known), h.bytes)
}
