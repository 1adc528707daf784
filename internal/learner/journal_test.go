package learner

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/event"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

func openJournal(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// load returns all that j holds, by key.
func load(t *testing.T, j *Journal) map[string]Batch {
	t.Helper()
	all := make(map[string]Batch)
	err := j.Load(func(key string, state State, facts []Fact) error {
		for i := range facts {
			facts[i].First, facts[i].Last = facts[i].First.UTC(), facts[i].Last.UTC()
		}
		all[key] = Batch{Key: key, State: state, Facts: facts}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func seenAt(first, last int, count uint64) Seen {
	at := func(seconds int) time.Time { return boot.Add(time.Duration(seconds) * time.Second) }
	return Seen{First: at(first), Last: at(last), Count: count}
}

// someFacts has one fact of each kind, in the order of the file.
func someFacts() []Fact {
	return []Fact{
		{Kind: FactSyscall, Nr: 257, Seen: seenAt(1, 2, 3)},
		{Kind: FactCompatSyscall, Nr: 20, Seen: seenAt(1, 1, 1)},
		{Kind: FactExec, Path: "/bin/ls", Seen: seenAt(1, 1, 1)},
		{Kind: FactExec, Path: "/bin/ls", Args: []string{""}, Seen: seenAt(1, 1, 1)},
		{Kind: FactExec, Path: "/bin/ls", Args: []string{"ls", "", "-l"}, Seen: seenAt(1, 1, 1)},
		{Kind: FactOpen, Access: event.AccessRead, Path: "/etc/hosts", Seen: seenAt(1, 1, 1)},
		{Kind: FactOpen, Access: event.AccessWrite, Path: "/tmp/⋯", Seen: seenAt(1, 1, 1)},
	}
}

func TestJournalReturnsWhatItWasGiven(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	batch := Batch{Key: "ns/Deployment/web/web", State: State{Observed: time.Hour, StartSeen: true, Lost: 1, NotKept: 2, Guarded: true}, Facts: someFacts()}
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	j.Append(batch)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openJournal(t, path)
	if j.Aside() != "" {
		t.Errorf("the journal was moved to %s", j.Aside())
	}
	if diff := cmp.Diff(map[string]Batch{batch.Key: batch}, load(t, j)); diff != "" {
		t.Errorf("Load: -want +got\n%s", diff)
	}
}

func TestJournalBatches(t *testing.T) {
	a := Fact{Kind: FactOpen, Path: "/a", Seen: seenAt(5, 5, 1)}
	again := Fact{Kind: FactOpen, Path: "/a", Seen: seenAt(3, 9, 2)}
	joined := Fact{Kind: FactOpen, Path: "/a", Seen: seenAt(3, 9, 3)}
	b := Fact{Kind: FactOpen, Path: "/b", Seen: seenAt(5, 5, 1)}
	tests := map[string]struct {
		steps []func(j *Journal)
		want  []Fact
		gone  bool
	}{
		"joined": {
			[]func(j *Journal){
				func(j *Journal) { j.Append(Batch{Key: "k", Facts: []Fact{a}}) },
				func(j *Journal) { j.Append(Batch{Key: "k", Facts: []Fact{again, b}}) },
			},
			[]Fact{joined, b},
			false,
		},
		"replaced": {
			[]func(j *Journal){
				func(j *Journal) { j.Append(Batch{Key: "k", Facts: []Fact{a, b}}) },
				func(j *Journal) { j.Append(Batch{Key: "k", Facts: []Fact{again}, All: true}) },
			},
			[]Fact{joined},
			false,
		},
		"forgotten": {
			[]func(j *Journal){
				func(j *Journal) { j.Append(Batch{Key: "k", Facts: []Fact{a}}) },
				func(j *Journal) { j.Forget("k") },
			},
			nil, true,
		},
		"learned anew": {
			[]func(j *Journal){
				func(j *Journal) { j.Append(Batch{Key: "k", Facts: []Fact{a}}) },
				func(j *Journal) { j.Forget("k") },
				func(j *Journal) { j.Append(Batch{Key: "k", Facts: []Fact{b}}) },
			},
			[]Fact{b},
			false,
		},
		"never known": {[]func(j *Journal){func(j *Journal) { j.Forget("k") }}, nil, true},
	}
	for name, tt := range tests {
		for _, together := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s together=%t", name, together), func(t *testing.T) {
				j := openJournal(t, filepath.Join(t.TempDir(), "journal"))
				for _, step := range tt.steps {
					step(j)
					if !together {
						flush(t, j)
					}
				}
				flush(t, j)
				got, ok := load(t, j)["k"]
				if ok == tt.gone {
					t.Errorf("k is known: %t, want %t", ok, !tt.gone)
				}
				if diff := cmp.Diff(tt.want, got.Facts); diff != "" {
					t.Errorf("facts: -want +got\n%s", diff)
				}
			})
		}
	}
}

func flush(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestJournalKeepsWhatItCouldNotWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.db.Close(); err != nil {
		t.Fatal(err)
	}
	j.Append(Batch{Key: "k", Facts: someFacts()[:1]})
	if err := j.Flush(); err == nil {
		t.Fatal("Flush of a closed file = nil")
	}
	j.Append(Batch{Key: "k", Facts: someFacts()[1:]})
	if n, err := j.Failures(); n != 1 || err == nil {
		t.Errorf("Failures = %d, %v, want 1 and an error", n, err)
	}
	if j.db, err = openDB(path); err != nil {
		t.Fatal(err)
	}
	flush(t, j)
	if diff := cmp.Diff(someFacts(), load(t, j)["k"].Facts); diff != "" {
		t.Errorf("facts: -want +got\n%s", diff)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestUnreadableJournalIsMovedAside(t *testing.T) {
	valid := filepath.Join(t.TempDir(), "valid")
	j, err := OpenJournal(valid)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		j.Append(Batch{Key: fmt.Sprint("workload", i), Facts: someFacts()})
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(valid)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(path string) error{
		"garbage":       func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("garbage", 10_000)), 0o600) },
		"short garbage": func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
		"zeros":         func(path string) error { return os.WriteFile(path, make([]byte, len(data)), 0o600) },
		"cut in half":   func(path string) error { return os.WriteFile(path, data[:len(data)/2], 0o600) },
		"middle zeroed": func(path string) error {
			return os.WriteFile(path, append(append(data[:8192:8192], make([]byte, len(data)/2)...), data[8192+len(data)/2:]...), 0o600)
		},
		"another's":      func(path string) error { return put(path, "other", "k", "v") },
		"another schema": func(path string) error { return put(path, "meta", "schema", "99") },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			j := openJournal(t, path)
			if _, err := os.Stat(j.Aside()); err != nil {
				t.Errorf("the unreadable journal was not moved aside: %v", err)
			}
			j.Append(Batch{Key: "k", Facts: someFacts()})
			flush(t, j)
			if got := len(load(t, j)); got != 1 {
				t.Errorf("%d workloads after a fresh start, want 1", got)
			}
		})
	}
}

// Whatever is damaged, opening neither crashes nor fails.
func TestJournalSurvivesDamage(t *testing.T) {
	valid := filepath.Join(t.TempDir(), "valid")
	j, err := OpenJournal(valid)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		j.Append(Batch{Key: fmt.Sprint("workload", i), Facts: someFacts()})
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(valid)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 60 {
		damaged := append([]byte(nil), data[:len(data)-r.IntN(2)*r.IntN(len(data))]...)
		for range 1 + r.IntN(20) {
			if len(damaged) > 8 {
				at := r.IntN(len(damaged)-8) &^ 7
				binary.LittleEndian.PutUint64(damaged[at:], r.Uint64()>>r.IntN(64))
			}
		}
		path := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func put(path, bucket, key, value string) error {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte(bucket))
		if err != nil {
			return err
		}
		return b.Put([]byte(key), []byte(value))
	})
	if err != nil {
		return err
	}
	return db.Close()
}

func TestJournalInUseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	openJournal(t, path)
	if _, err := OpenJournal(path); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("OpenJournal of a journal in use = %v, want an error that says so", err)
	}
}

func TestRunWritesUntilTheEnd(t *testing.T) {
	j := openJournal(t, filepath.Join(t.TempDir(), "journal"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- j.Run(ctx) }()
	j.Append(Batch{Key: "a", Facts: someFacts()})
	cancel()
	j.Append(Batch{Key: "b", Facts: someFacts()})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, ok := load(t, j)["a"]; !ok {
		t.Error("what was appended before the end was not written")
	}
}
