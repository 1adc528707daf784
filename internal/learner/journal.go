package learner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Journal keeps the facts of learners in a file, so that a restarted agent goes on
// learning where it stopped.
//
// Append never waits for the disk. Facts that Run has written survive the end of the
// process by any signal, and a crash of the machine. Facts that were appended but not
// yet written are lost with the process. No profile lacks them in the end, because
// the kernel sends acts again that a restored learner does not know.
//
// A Journal is safe for concurrent use.
type Journal struct {
	db    *bbolt.DB
	aside string
	wake  chan struct{}

	skipped atomic.Uint64

	mu       sync.Mutex // guards the rest
	pending  map[string]*pending
	inFlight map[string]*pending // being written
	failures uint64
	err      error // of the last write

	writing sync.Mutex // held during a write
}

// Batch is news of one workload container.
type Batch struct {
	Key   string
	State State
	Facts []Fact
	// All: Facts replace those that are in the journal.
	All bool
}

// Pauses between writes: so that news is gathered, and so that a disk that is
// full is not tried all the time.
const (
	writeInterval = 200 * time.Millisecond
	retryInterval = 5 * time.Second
)

// lockTimeout is how long another process may hold the file.
const lockTimeout = 3 * time.Second

// OpenJournal opens the journal at path, and makes a new one if there is none.
// A file that is damaged, or was not written by this version, is renamed and
// a new one begun: see Aside.
func OpenJournal(path string) (*Journal, error) {
	db, err := openDB(path)
	if err == nil {
		return newJournal(db, ""), nil
	}
	if !errors.Is(err, errUnreadable) {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	aside := fmt.Sprintf("%s.unreadable-%d", path, time.Now().UnixNano())
	if renameErr := os.Rename(path, aside); renameErr != nil {
		return nil, fmt.Errorf("open journal: move it aside: %w (it is unreadable: %w)", renameErr, err)
	}
	if db, err = openDB(path); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return newJournal(db, aside), nil
}

func newJournal(db *bbolt.DB, aside string) *Journal {
	return &Journal{db: db, aside: aside, wake: make(chan struct{}, 1), pending: make(map[string]*pending)}
}

// Aside returns the name to which an unreadable journal was moved when this one was
// opened, and "" if there was none. Its facts have to be learned again.
func (j *Journal) Aside() string { return j.aside }

// errUnreadable says that a file is no journal of this version, or damaged.
var errUnreadable = errors.New("not a journal of this version, or damaged")

// openDB opens the file and checks all of it. bbolt trusts its pages, and finds
// itself outside of a file that was cut off: the panic and the fault that
// follow are caught here, before anybody relies on the file. What bbolt held
// then stays open, on a file that is about to be renamed.
func openDB(path string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			db, err = nil, fmt.Errorf("%w: %v", errUnreadable, fault)
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout})
	switch {
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%s is in use by another process", path)
	case err != nil:
		return nil, err
	}
	if err := prepare(db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Append gives the journal news to be written, and returns at once.
func (j *Journal) Append(b Batch) {
	j.mu.Lock()
	if j.pending[b.Key] == nil {
		j.pending[b.Key] = &pending{facts: make(map[string]Seen)}
	}
	j.pending[b.Key].add(b)
	j.mu.Unlock()
	j.signal()
}

// Forget removes the facts about a workload container.
func (j *Journal) Forget(key string) {
	j.mu.Lock()
	j.pending[key] = &pending{forget: true, facts: make(map[string]Seen)}
	j.mu.Unlock()
	j.signal()
}

func (j *Journal) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// Run writes appended facts until ctx ends, and then once more. A write that fails is
// tried again later: see Failures.
func (j *Journal) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return j.Flush()
		case <-j.wake:
		}
		interval := writeInterval
		if j.Flush() != nil {
			interval = retryInterval
			j.signal()
		}
		select {
		case <-ctx.Done():
			return j.Flush()
		case <-time.After(interval):
		}
	}
}

// Flush writes all that was appended before it was called. If that fails,
// nothing is lost: it will be written with the next.
func (j *Journal) Flush() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	batch := j.pending
	j.pending = make(map[string]*pending)
	j.inFlight = batch
	j.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	err := j.update(batch)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.inFlight = nil
	if j.err = err; err != nil {
		j.failures++
		j.putBack(batch)
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// update writes a batch. bbolt panics where it finds its file damaged.
func (j *Journal) update(batch map[string]*pending) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%w: %v", errUnreadable, fault)
		}
	}()
	return j.db.Update(func(tx *bbolt.Tx) error { return write(tx, batch) })
}

// putBack queues facts again that could not be written, before newer ones.
func (j *Journal) putBack(batch map[string]*pending) {
	for key, older := range batch {
		if newer := j.pending[key]; newer != nil {
			older.follow(newer)
		}
		j.pending[key] = older
	}
}

// Failures returns how many writes failed, and the error of the last write.
func (j *Journal) Failures() (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failures, j.err
}

// Skipped returns how many facts Restore left out because a newer version wrote
// them. They stay in the file.
func (j *Journal) Skipped() uint64 { return j.skipped.Load() }

// Close writes the appended facts and closes the file. Run must have returned.
func (j *Journal) Close() error {
	return errors.Join(j.Flush(), j.db.Close())
}
