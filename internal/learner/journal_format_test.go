package learner

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

var update = flag.Bool("update", false, "write the fixtures again, as this version writes them")

// fixtureKey names the workload container in testdata/journal-v1.db.
const fixtureKey = "shop/Deployment/web/web@sha256:0"

func fixtureState() State {
	return State{
		Observed: time.Hour, StartSeen: true, EndSeen: true, LastSeen: boot.UTC(),
		Lost: 1, NotKept: 2, Guarded: true, CutShort: true,
	}
}

// TestFixture: what the first released version wrote is read by every later
// one. Write the file again only if a new fact or field is to be in it, under a
// new name.
func TestFixture(t *testing.T) {
	const fixture = "testdata/journal-v1.db"
	if *update {
		writeJournal(t, fixture, Batch{Key: fixtureKey, State: fixtureState(), Facts: someFacts()})
	}
	content, err := os.ReadFile(fixture)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	j := openJournal(t, path)
	want := map[string]Batch{fixtureKey: {Key: fixtureKey, State: fixtureState(), Facts: someFacts()}}
	if diff := cmp.Diff(want, load(t, j)); diff != "" {
		t.Errorf("fixture (-want +got):\n%s", diff)
	}
}

func writeJournal(t *testing.T, path string, batches ...Batch) {
	t.Helper()
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		j.Append(b)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestJournalOfANewerVersion: a rollback keeps what it can read, and leaves the
// rest for the version that wrote it.
func TestJournalOfANewerVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	writeJournal(t, path, Batch{Key: "web", State: State{Observed: time.Hour}, Facts: someFacts()})
	newer := map[string]string{
		string([]byte{150, 0}) + "10.0.0.1": "a value of another length",
		string([]byte{200}):                 "",
	}
	longer := string(appendFactKey(nil, &someFacts()[0]))
	edit(t, path, func(facts *bbolt.Bucket) error {
		for key, value := range newer {
			if err := facts.Put([]byte(key), []byte(value)); err != nil {
				return err
			}
		}
		return facts.Put([]byte(longer), append(encodeSeen(someFacts()[0].Seen), "and more"...))
	})

	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if aside := j.Aside(); aside != "" {
		t.Fatalf("the journal was moved to %s: everything would be learned again", aside)
	}
	_, facts, found, err := j.Restore("web")
	if err != nil || !found {
		t.Fatalf("Restore: found %t, %v", found, err)
	}
	for i := range facts {
		facts[i].First, facts[i].Last = facts[i].First.UTC(), facts[i].Last.UTC()
	}
	if diff := cmp.Diff(someFacts(), facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if got := j.Skipped(); got != uint64(len(newer)) {
		t.Errorf("skipped %d facts, want %d", got, len(newer))
	}
	j.Append(Batch{Key: "web", All: true, Facts: someFacts()[:1]})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, func(facts *bbolt.Bucket) error {
		for key, want := range newer {
			if got := string(facts.Get([]byte(key))); got != want {
				t.Errorf("fact %q = %q after everything was written again, want %q", key, got, want)
			}
		}
		return nil
	})
}

// edit changes the facts of the workload "web".
func edit(t *testing.T, path string, f func(facts *bbolt.Bucket) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return f(tx.Bucket(workloadsBucket).Bucket([]byte("web")).Bucket(factsBucket))
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}
