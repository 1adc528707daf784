package learner

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRestoreSeesWhatIsNotWrittenYet(t *testing.T) {
	j, err := OpenJournal(filepath.Join(t.TempDir(), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	j.Append(Batch{Key: "a", State: State{Lost: 1}, Facts: []Fact{{Kind: FactSyscall, Nr: 1}}})
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
	j.Append(Batch{Key: "a", State: State{Lost: 2, Guarded: true}, Facts: []Fact{{Kind: FactSyscall, Nr: 2}}})
	check := func(want []uint32) {
		t.Helper()
		state, facts, found, err := j.Restore("a")
		if err != nil || !found || state.Lost != 2 || !state.Guarded {
			t.Errorf("Restore = %+v, found %t, %v; want the state appended last", state, found, err)
		}
		var got []uint32
		for _, f := range facts {
			got = append(got, f.Nr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("facts (-want +got)\n%s", diff)
		}
	}
	check([]uint32{1, 2})
	j.Append(Batch{Key: "a", State: State{Lost: 2, Guarded: true}, Facts: []Fact{{Kind: FactSyscall, Nr: 3}}, All: true})
	check([]uint32{3})
	j.Forget("a")
	if _, _, found, err := j.Restore("a"); found || err != nil {
		t.Errorf("after Forget: found %t, %v", found, err)
	}
	if _, _, found, err := j.Restore("b"); found || err != nil {
		t.Errorf("unknown key: found %t, %v", found, err)
	}
}
