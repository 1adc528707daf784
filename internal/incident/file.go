package incident

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Bounds of the file that survives a restart.
const (
	maxKept     = 128 // incidents, those that went on last
	maxKeptSize = 64 << 20
	saveEvery   = 10 * time.Second
)

// Keeper writes what a Tracker knows to a file, beside the goroutine that asks
// the Tracker.
type Keeper struct {
	path string
	next chan []byte
	done chan struct{}
	err  error
}

// Open returns a tracker that goes on where the last one with this file
// stopped, and writes to it. What cannot be read is left aside, and the error
// says so; the tracker is usable all the same.
func Open(path string, opts Options) (*Tracker, error) {
	t := New(opts)
	t.keeper = &Keeper{path: path, next: make(chan []byte, 1), done: make(chan struct{})}
	go t.keeper.run()
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	var kept []keptIncident
	if err == nil {
		err = json.Unmarshal(raw, &kept)
	}
	if err != nil {
		return t, fmt.Errorf("read incidents: %w", err)
	}
	for _, k := range kept[:min(len(kept), maxKept)] {
		t.restore(k)
	}
	return t, nil
}

type keptIncident struct {
	Key      string
	Incident *incident
}

func (t *Tracker) restore(k keptIncident) {
	i := k.Incident
	if i == nil || i.ID == "" || t.byKey[k.Key] != nil {
		return
	}
	i.Lines = i.Lines[:min(len(i.Lines), maxTimeline)]
	i.Members = i.Members[:min(len(i.Members), maxMembers)]
	t.byKey[k.Key] = i
	for _, member := range i.Members {
		t.members[member] = i
	}
	if !i.Overflow {
		t.grades[placeOf(&i.Root)]++
	}
}

// save hands what has changed to the keeper, every saveEvery and at the end.
func (t *Tracker) save(now time.Time, end bool) {
	if t.keeper == nil || !t.unsaved || !end && now.Sub(t.saved) < saveEvery {
		return
	}
	t.saved, t.unsaved = now, false
	kept := make([]keptIncident, 0, len(t.byKey))
	for key, i := range t.byKey {
		kept = append(kept, keptIncident{key, i})
	}
	slices.SortFunc(kept, func(a, b keptIncident) int { return b.Incident.Last.Compare(a.Incident.Last) })
	raw, err := json.Marshal(kept[:min(len(kept), maxKept)])
	if err != nil || len(raw) > maxKeptSize {
		return
	}
	select {
	case <-t.keeper.next: // older, and not written yet
	default:
	}
	t.keeper.next <- raw
}

// Close writes what is left and returns the last error of writing.
func (t *Tracker) Close() error {
	if t.keeper == nil {
		return nil
	}
	close(t.keeper.next)
	<-t.keeper.done
	return t.keeper.err
}

func (k *Keeper) run() {
	defer close(k.done)
	for raw := range k.next {
		k.err = replace(k.path, raw)
	}
}

func replace(path string, raw []byte) error {
	fresh := path + ".new"
	if err := os.WriteFile(fresh, raw, 0o600); err != nil {
		return fmt.Errorf("keep incidents: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("keep incidents: %w", err)
	}
	return nil
}
