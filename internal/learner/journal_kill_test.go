package learner

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"bobwatch/internal/event"
)

// childEnv makes the test binary the process that is killed: it names the
// journal to write.
const childEnv = "LEARNER_TEST_JOURNAL"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := writeUntilKilled(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeUntilKilled learns one thing after another, and says on stdout what the
// journal has: the number of the last fact.
func writeUntilKilled(path string) error {
	j, err := OpenJournal(path)
	if err != nil {
		return err
	}
	if aside := j.Aside(); aside != "" {
		return fmt.Errorf("the journal is unreadable: %s", aside)
	}
	next := 0
	if err := j.Load(func(_ string, _ State, facts []Fact) error { next = len(facts); return nil }); err != nil {
		return err
	}
	l := newLearner()
	for ; ; next++ {
		l.Observe(open(fmt.Sprintf("/x%dx", next), event.AccessRead))
		facts, all := l.Take(boot)
		j.Append(Batch{Key: "k", State: l.State(boot), Facts: facts, All: all})
		if next%7 != 0 {
			continue
		}
		if err := j.Flush(); err != nil {
			return err
		}
		if _, err := fmt.Println(next); err != nil {
			return err
		}
	}
}

func TestKillLosesNothingThatWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	r := rand.New(rand.NewPCG(7, 8))
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		written := killWriter(t, path, 1+r.IntN(40))
		j, err := OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		if j.Aside() != "" {
			t.Fatalf("round %d: the journal is unreadable: %s", round, j.Aside())
		}
		have := make(map[string]bool)
		for _, f := range load(t, j)["k"].Facts {
			have[f.Path] = true
		}
		for i := range written + 1 {
			if name := fmt.Sprintf("/x%dx", i); !have[name] {
				t.Fatalf("round %d: %s was written before the kill and is lost", round, name)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killWriter runs writeUntilKilled in a process of its own, kills it after it
// has said so many lines, and returns the last number it said.
func killWriter(t *testing.T, path string, lines int) int {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childEnv+"="+path)
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	written := 0
	said := bufio.NewScanner(stdout)
	read := func() bool {
		if !said.Scan() {
			return false
		}
		_, err := fmt.Sscan(said.Text(), &written)
		return err == nil
	}
	for range lines {
		if !read() {
			break
		}
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for read() {
	}
	if _, err := io.Copy(io.Discard, stdout); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil || command.ProcessState.Exited() {
		t.Fatalf("the writer ended by itself: %v", command.ProcessState)
	}
	return written
}
