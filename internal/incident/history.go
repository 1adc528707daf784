package incident

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"bobwatch/internal/alert"
)

// Limits bounds a History.
type Limits struct {
	Count int           // incidents
	Bytes int64         // of their JSON; the file may take four times of it
	Age   time.Duration // since they were written last
}

// DefaultLimits suits one node.
func DefaultLimits() Limits {
	return Limits{Count: 10_000, Bytes: 64 << 20, Age: 30 * 24 * time.Hour}
}

const (
	maxEntry    = 256 << 10 // JSON of one incident
	fileFactor  = 4         // pages are not written in place, and the file never shrinks
	fileSlack   = 1 << 20
	lockTimeout = 3 * time.Second
)

// The buckets of the file.
var (
	storiesBucket = []byte("stories") // id: JSON of an alert with a story
	writtenBucket = []byte("written") // time and id: size
	openBucket    = []byte("open")    // key: JSON of an incident that goes on
)

// History is the store of incidents on disk: their stories, and the state that a
// Tracker needs of those that go on. Its methods are safe for concurrent use; those
// that the Tracker calls never wait for the disk.
type History struct {
	limits Limits
	db     *bbolt.DB
	stats  stats

	mu      sync.Mutex
	pending pending
	changed chan struct{} // holds one
	closing chan struct{}
	done    chan struct{}

	writing sync.Mutex        // of the state on disk:
	known   map[string]record // by id
	bytes   int64
	last    time.Time // of the newest story
}

// record describes a story on disk.
type record struct {
	written time.Time
	size    int64
}

// key sorts stories by when they were written.
func (e record) key(id string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(e.written.UnixNano())), id...)
}

// OpenHistory opens the file at path, or makes it. A damaged one is kept beside
// it as .unreadable, and the error says so: the history is usable all the same,
// unless it is nil.
func OpenHistory(path string, limits Limits) (*History, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open history of incidents: %w", err)
	}
	h := &History{
		limits: limits, changed: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
	}
	damage, err := h.open(path)
	if damage != nil {
		damage = fmt.Errorf("history of incidents: %w; it begins again, and the old one is %s.unreadable", damage, path)
		h.stats.lost[lostUnreadable].Add(1)
		if err = os.Rename(path, path+".unreadable"); err == nil {
			_, err = h.open(path)
		}
	}
	if err != nil {
		return nil, errors.Join(damage, fmt.Errorf("open history of incidents: %w", err))
	}
	go h.run()
	return h, damage
}

// open opens the file and reads all of it. bbolt trusts its pages and finds
// itself outside of a file that was cut off: the panic or the fault that
// follows is damage. What bbolt held then stays open, on a renamed file.
func (h *History) open(path string) (damage, err error) {
	h.known, h.bytes = make(map[string]record), 0
	size := int64(0)
	if info, err := os.Stat(path); err == nil {
		size = info.Size()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			damage = fmt.Errorf("damaged: %v", fault)
		}
	}()
	limit := fileFactor*h.limits.Bytes + fileSlack
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, MaxSize: int(max(limit, size))})
	switch {
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		return err, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%s is in use by another process", path)
	case err != nil:
		return nil, err
	}
	if err := db.Update(h.load); err != nil {
		return err, db.Close()
	}
	h.db = db
	return nil, nil
}

// load makes the buckets and reads which stories there are.
func (h *History) load(tx *bbolt.Tx) error {
	for _, name := range [][]byte{storiesBucket, writtenBucket, openBucket} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	stories := tx.Bucket(storiesBucket)
	err := tx.Bucket(writtenBucket).ForEach(func(key, _ []byte) error {
		if len(key) <= 8 {
			return errors.New("an entry without a time")
		}
		id := string(key[8:])
		story := stories.Get(key[8:])
		if !json.Valid(story) {
			return fmt.Errorf("the story of %q is not JSON", id)
		}
		e := record{time.Unix(0, int64(binary.BigEndian.Uint64(key))), int64(len(story))}
		h.known[id] = e
		h.bytes += e.size
		h.last = e.written.UTC()
		return nil
	})
	h.stats.level(len(h.known), h.bytes)
	return err
}

// Since calls take with each story that was written after a time, as a line of
// JSON, the oldest first, until take fails. Only the newest form of an incident
// is kept.
func (h *History) Since(after time.Time, take func([]byte) error) error {
	from := record{written: after.Add(1)}.key("")
	if after.Before(time.Unix(0, 0)) {
		from = nil
	}
	var ids [][]byte
	err := h.db.View(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(writtenBucket).Cursor()
		for key, _ := cursor.Seek(from); key != nil; key, _ = cursor.Next() {
			ids = append(ids, slices.Clone(key[8:]))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read history of incidents: %w", err)
	}
	// A transaction that waited for a slow reader would let the file grow.
	for _, id := range ids {
		story, err := h.Get(string(id))
		if err != nil {
			return err
		}
		if story == nil {
			continue // removed meanwhile
		}
		if err := take(story); err != nil {
			return err
		}
	}
	return nil
}

// Get returns the newest story of an incident as a line of JSON, nil if there
// is none.
func (h *History) Get(id string) ([]byte, error) {
	var story []byte
	err := h.db.View(func(tx *bbolt.Tx) error {
		story = slices.Clone(tx.Bucket(storiesBucket).Get([]byte(id)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read history of incidents: %w", err)
	}
	return story, nil
}

// restored are the incidents that went on when the file was written last.
func (h *History) restored() (kept []keptIncident, err error) {
	err = h.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(openBucket).ForEach(func(_, value []byte) error {
			var k keptIncident
			if err := json.Unmarshal(value, &k); err != nil {
				return err
			}
			kept = append(kept, k)
			return nil
		})
	})
	if err != nil {
		return kept, fmt.Errorf("read the incidents that went on: %w", err)
	}
	return kept, nil
}

// keptIncident is an incident that goes on, as the file has it.
type keptIncident struct {
	Key      string
	Incident *incident
}

// pending holds changes that are not on disk yet.
type pending struct {
	stories map[string]*alert.Alert // by id
	open    map[string]*incident    // by key; nil for one that is over
}

func (p *pending) empty() bool { return len(p.stories)+len(p.open) == 0 }
