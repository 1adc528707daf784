package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"bobwatch/internal/alert"
)

const (
	// fileFactor bounds the file by its contents: it never shrinks while it is in
	// use, and no page in it is written in place.
	fileFactor = 4
	// fileSlack is the part that does not grow with the contents.
	fileSlack   = 1 << 20
	lockTimeout = 3 * time.Second
)

// salvaged holds the alerts that an earlier run left on disk.
type salvaged struct {
	values [][]byte // alerts in JSON
	damage error    // why there may have been more
}

// restored describes the damage and counts the lost alerts.
type restored struct {
	damage     error
	unreadable int // alerts
	refused    int // alerts for which there is no room any more
}

// openSpool opens the queue at path. It writes the file again from the readable part
// of the old one, which makes the file small and leaves no damage in it. It keeps a
// damaged file next to it as .unreadable.
func openSpool(path string, maxBytes int64) (s *spool, r restored, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("open queue of alerts: %w", err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, r, err
	}
	old, err := salvage(path, fileFactor*maxBytes)
	if err != nil {
		return nil, r, err
	}
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, r, err
	}
	options := &bbolt.Options{Timeout: lockTimeout, MaxSize: int(fileFactor*maxBytes + fileSlack), NoSync: true}
	db, err := bbolt.Open(fresh, 0o600, options)
	if err != nil {
		return nil, r, err
	}
	s = &spool{db: db, maxBytes: maxBytes}
	r.damage = old.damage
	if err := s.restore(old.values, &r); err != nil {
		return nil, r, errors.Join(err, db.Close(), os.Remove(fresh))
	}
	if r.damage != nil {
		if err := os.Rename(path, path+".unreadable"); err != nil {
			return nil, r, errors.Join(err, db.Close())
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return nil, r, errors.Join(err, db.Close())
	}
	return s, r, nil
}

// salvage reads the file at path, at most limit bytes of alerts. bbolt trusts
// its pages and finds itself outside of a file that was cut off: the panic and
// the fault that follow end the reading, and what was read until then counts.
// What bbolt held then stays open, on a file that is about to be renamed.
func salvage(path string, limit int64) (s salvaged, err error) {
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return s, nil
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			s.damage = fmt.Errorf("damaged: %v", fault)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	switch {
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		s.damage = err
		return s, nil
	case errors.Is(err, berrors.ErrTimeout):
		return s, fmt.Errorf("%s is in use by another process", path)
	case err != nil:
		return s, err
	}
	read := db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(alertsBucket)
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(_, value []byte) error {
			if limit -= int64(len(value)); limit < 0 {
				return errors.New("larger than it can have been")
			}
			s.values = append(s.values, slices.Clone(value))
			return nil
		})
	})
	s.damage = errors.Join(read, db.Close())
	return s, nil
}

// restore adds what was salvaged, and begins to write through to the disk.
func (s *spool) restore(values [][]byte, r *restored) error {
	if err := s.load(); err != nil {
		return err
	}
	for chunk := range slices.Chunk(values, maxBatch) {
		var alerts []*alert.Alert
		for _, value := range chunk {
			a := new(alert.Alert)
			if err := json.Unmarshal(value, a); err != nil {
				r.unreadable++
				continue
			}
			alerts = append(alerts, a)
		}
		refused, err := s.add(alerts)
		if err != nil {
			return err
		}
		r.refused += refused
	}
	s.db.NoSync = false
	return s.db.Sync()
}
