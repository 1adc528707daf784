package learner

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"bobwatch/internal/event"
)

// The file, as bbolt buckets:
//
//	meta                schema -> schemaVersion
//	workloads/KEY       state  -> State as JSON
//	workloads/KEY/facts factKey -> Seen: first, last (ns since 1970), count; big-endian
//
// A factKey is the kind, and then the number (4 bytes, big-endian), or the
// access and the path, or the act and the path, or the path and the arguments, each after a NUL.
//
// The format grows by fields of State, by bytes at the end of Seen and by kinds
// of facts. A version that does not know a kind leaves its facts in the file and
// counts them: see Journal.Skipped.
var (
	metaBucket      = []byte("meta")
	workloadsBucket = []byte("workloads")
	factsBucket     = []byte("facts")
	schemaKey       = []byte("schema")
	stateKey        = []byte("state")
)

const schemaVersion = "1"

// maxStateBytes is more than any state is long as JSON.
const maxStateBytes = 4096

// prepare makes the buckets of a new file, and checks those of an old one.
func prepare(db *bbolt.DB) error {
	return db.Update(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket(metaBucket); meta != nil {
			return checkFile(tx, meta)
		}
		if name, _ := tx.Cursor().First(); name != nil {
			return fmt.Errorf("%w: it has other contents", errUnreadable)
		}
		meta, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		if err := meta.Put(schemaKey, []byte(schemaVersion)); err != nil {
			return err
		}
		_, err = tx.CreateBucket(workloadsBucket)
		return err
	})
}

// checkFile reads everything, so that nothing unreadable is found later. It is
// not bbolt's own Check, which believes the sizes it reads in a damaged page,
// and takes all memory.
func checkFile(tx *bbolt.Tx, meta *bbolt.Bucket) error {
	if version := meta.Get(schemaKey); string(version) != schemaVersion {
		return fmt.Errorf("%w: schema %q, want %q", errUnreadable, version, schemaVersion)
	}
	if err := readAll(tx, func(string, State, []Fact) error { return nil }); err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return nil
}

// Load calls f with the facts in the file about each workload container, until f
// fails.
func (j *Journal) Load(f func(key string, state State, facts []Fact) error) error {
	err := j.db.View(func(tx *bbolt.Tx) error { return readAll(tx, f) })
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	return nil
}

// Unseen returns the keys of the workload containers that nobody has seen since
// a time.
func (j *Journal) Unseen(since time.Time) ([]string, error) {
	var keys []string
	err := j.db.View(func(tx *bbolt.Tx) error {
		workloads := tx.Bucket(workloadsBucket)
		if workloads == nil {
			return errors.New("no workloads bucket")
		}
		return workloads.ForEachBucket(func(key []byte) error {
			state, err := readState(workloads.Bucket(key))
			if err == nil && !state.LastSeen.IsZero() && state.LastSeen.Before(since) {
				keys = append(keys, string(key))
			}
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	return keys, nil
}

// Restore returns the facts of the journal about one workload container, including facts
// that were appended but not yet written. It does not wait for the disk. found is false
// if there are none.
func (j *Journal) Restore(key string) (state State, facts []Fact, found bool, err error) {
	unwritten := j.unwritten(key)
	err = j.db.View(func(tx *bbolt.Tx) error {
		workloads := tx.Bucket(workloadsBucket)
		if workloads == nil {
			return errors.New("no workloads bucket")
		}
		workload := workloads.Bucket([]byte(key))
		if workload == nil || unwritten.forget {
			return nil
		}
		found = true
		var skipped uint64
		state, facts, skipped, err = readWorkload(workload)
		j.skipped.Add(skipped)
		return err
	})
	if err != nil {
		return State{}, nil, false, fmt.Errorf("read journal: workload %q: %w", key, err)
	}
	if !unwritten.known {
		return state, facts, found, nil
	}
	if unwritten.all {
		facts = nil
	}
	for id, seen := range unwritten.facts {
		f, err := decodeFact([]byte(id), encodeSeen(seen))
		if err != nil {
			return State{}, nil, false, fmt.Errorf("workload %q: %w", key, err)
		}
		facts = append(facts, f)
	}
	return unwritten.state, facts, true, nil
}

// unwritten returns a copy of the facts of key that wait to be written or are being
// written.
func (j *Journal) unwritten(key string) *pending {
	j.mu.Lock()
	defer j.mu.Unlock()
	sum := &pending{facts: make(map[string]Seen)}
	for _, batch := range []map[string]*pending{j.inFlight, j.pending} {
		if p := batch[key]; p != nil {
			later := *p
			later.facts = maps.Clone(p.facts)
			sum.follow(&later)
		}
	}
	return sum
}

func readAll(tx *bbolt.Tx, f func(key string, state State, facts []Fact) error) error {
	workloads := tx.Bucket(workloadsBucket)
	if workloads == nil {
		return errors.New("no workloads bucket")
	}
	return workloads.ForEachBucket(func(key []byte) error {
		if len(key) > bbolt.MaxKeySize {
			return errors.New("a workload's key is too long")
		}
		state, facts, _, err := readWorkload(workloads.Bucket(key))
		if err != nil {
			return fmt.Errorf("workload %q: %w", key, err)
		}
		return f(string(key), state, facts)
	})
}

func readState(workload *bbolt.Bucket) (State, error) {
	var state State
	text := workload.Get(stateKey)
	if len(text) > maxStateBytes {
		return State{}, errors.New("the state is too long")
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return State{}, fmt.Errorf("state: %w", err)
	}
	return state, nil
}

// readWorkload returns the facts of the kinds that this version knows, and how
// many it skipped.
func readWorkload(workload *bbolt.Bucket) (state State, facts []Fact, skipped uint64, err error) {
	if state, err = readState(workload); err != nil {
		return State{}, nil, 0, err
	}
	bucket := workload.Bucket(factsBucket)
	if bucket == nil {
		return State{}, nil, 0, errors.New("no facts bucket")
	}
	err = bucket.ForEach(func(key, value []byte) error {
		if !knownKind(key) {
			skipped++
			return nil
		}
		f, err := decodeFact(key, value)
		facts = append(facts, f)
		return err
	})
	return state, facts, skipped, err
}

// write brings a batch into the file.
func write(tx *bbolt.Tx, batch map[string]*pending) error {
	workloads := tx.Bucket(workloadsBucket)
	for key, p := range batch {
		if p.forget {
			if err := workloads.DeleteBucket([]byte(key)); err != nil && !errors.Is(err, berrors.ErrBucketNotFound) {
				return err
			}
		}
		if !p.known {
			continue
		}
		if err := writeWorkload(workloads, key, p); err != nil {
			return fmt.Errorf("workload %q: %w", key, err)
		}
	}
	return nil
}

func writeWorkload(workloads *bbolt.Bucket, key string, p *pending) error {
	workload, err := workloads.CreateBucketIfNotExists([]byte(key))
	if err != nil {
		return err
	}
	state, err := json.Marshal(p.state)
	if err != nil {
		return err
	}
	if err := workload.Put(stateKey, state); err != nil {
		return err
	}
	facts, err := workload.CreateBucketIfNotExists(factsBucket)
	if err != nil {
		return err
	}
	if p.all {
		if err := deleteOthers(facts, p.facts); err != nil {
			return err
		}
	}
	for id, seen := range p.facts {
		if old := facts.Get([]byte(id)); len(old) >= seenBytes {
			seen = decodeSeen(old).merge(seen)
		}
		if err := facts.Put([]byte(id), encodeSeen(seen)); err != nil {
			return err
		}
	}
	return nil
}

// deleteOthers removes the facts that are not in kept, unless this version does
// not know what they are.
func deleteOthers(facts *bbolt.Bucket, kept map[string]Seen) error {
	var others [][]byte
	err := facts.ForEach(func(key, _ []byte) error {
		if _, stays := kept[string(key)]; !stays && knownKind(key) {
			others = append(others, bytes.Clone(key))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range others {
		if err := facts.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

const seenBytes = 24

func encodeSeen(s Seen) []byte {
	b := make([]byte, 0, seenBytes)
	b = binary.BigEndian.AppendUint64(b, uint64(s.First.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Last.UnixNano()))
	return binary.BigEndian.AppendUint64(b, s.Count)
}

func decodeSeen(b []byte) Seen {
	return Seen{
		First: time.Unix(0, int64(binary.BigEndian.Uint64(b))),
		Last:  time.Unix(0, int64(binary.BigEndian.Uint64(b[8:]))),
		Count: binary.BigEndian.Uint64(b[16:]),
	}
}

func appendFactKey(b []byte, f *Fact) []byte {
	b = append(b, byte(f.Kind))
	switch f.Kind {
	case FactSyscall, FactCompatSyscall:
		return binary.BigEndian.AppendUint32(b, f.Nr)
	case FactOpen:
		b = append(b, byte(f.Access))
		return append(b, f.Path...)
	case FactChange:
		b = append(b, byte(f.Act))
		return append(b, f.Path...)
	default:
		b = append(b, f.Path...)
		for _, arg := range f.Args {
			b = append(b, 0)
			b = append(b, arg...)
		}
		return b
	}
}

// knownKind reports whether this version can read the fact with a key.
func knownKind(key []byte) bool {
	return len(key) > 0 && key[0] >= byte(FactSyscall) && key[0] <= byte(FactDirectory)
}

func decodeFact(key, value []byte) (Fact, error) {
	if len(key) < 2 || len(key) > bbolt.MaxKeySize || len(value) < seenBytes {
		return Fact{}, fmt.Errorf("a fact of %d and %d bytes", len(key), len(value))
	}
	f := Fact{Kind: FactKind(key[0]), Seen: decodeSeen(value)}
	rest := key[1:]
	switch {
	case (f.Kind == FactSyscall || f.Kind == FactCompatSyscall) && len(rest) == 4:
		f.Nr = binary.BigEndian.Uint32(rest)
	case f.Kind == FactOpen:
		f.Access, f.Path = event.Access(rest[0]), string(rest[1:])
	case f.Kind == FactChange:
		f.Act, f.Path = event.ChangeAct(rest[0]), string(rest[1:])
	case f.Kind == FactExec:
		path, args, some := strings.Cut(string(rest), "\x00")
		f.Path = path
		if some {
			f.Args = strings.Split(args, "\x00")
		}
	case f.Kind == FactContact || f.Kind == FactSocket || f.Kind == FactUnix || f.Kind == FactDirectory:
		f.Path = string(rest)
	default:
		return Fact{}, fmt.Errorf("fact %q: its kind has no such form", key)
	}
	return f, nil
}
