package incident

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/alert"
)

// The history keeps the newest form of each incident within its bounds, counts
// removals, and begins again next to a damaged file.
func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incidents.db")
	limits := Limits{Count: 10, Bytes: 1 << 20, Age: time.Hour}
	h, err := OpenHistory(path, limits)
	if err != nil {
		t.Fatal(err)
	}
	var first time.Time
	for i := range 15 {
		for range 2 { // the second time with news
			h.tell(told(fmt.Sprintf("id%02d", i), 1<<10))
			if err := h.write(); err != nil {
				t.Fatal(err)
			}
		}
		if i == 12 {
			h.writing.Lock()
			first = h.last
			h.writing.Unlock()
		}
	}
	h.tell(told("huge", maxEntry))
	h.tell(told("id13", 100))
	check := func() {
		t.Helper()
		if got := ids(t, h, time.Time{}); !slices.Equal(got, []string{"id05", "id06", "id07", "id08", "id09", "id10", "id11", "id12", "id14", "id13"}) {
			t.Errorf("stories: got %q, want the last ten, the newest last", got)
		}
		if got := ids(t, h, first); !slices.Equal(got, []string{"id14", "id13"}) {
			t.Errorf("stories since: got %q", got)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if removed, lost := h.stats.removed[removedCount].Load(), h.stats.lost[lostTooLarge].Load(); removed != 5 || lost != 1 {
		t.Errorf("counted: %d removed, %d too large, want 5 and 1", removed, lost)
	}
	if h, err = OpenHistory(path, limits); err != nil {
		t.Fatal(err)
	}
	check()
	if story, err := h.Get("id14"); err != nil || !bytes.Contains(story, []byte(`"id":"id14"`)) || story[len(story)-1] != '\n' {
		t.Errorf("one story: got %.100s, %v", story, err)
	}
	if story, err := h.Get("id00"); story != nil || err != nil {
		t.Errorf("a story that was removed: got %.100s, %v", story, err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h, err = OpenHistory(path, Limits{Count: 10, Bytes: 4 << 10, Age: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	h.tell(told("id15", 1<<10))
	if err := h.write(); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, h, time.Time{}); len(got) > 4 || got[len(got)-1] != "id15" || h.stats.bytes.Load() > 4<<10 {
		t.Errorf("with a smaller bound: got %q, %d bytes", got, h.stats.bytes.Load())
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, path)
	h, err = OpenHistory(path, limits)
	if h == nil || err == nil || !strings.Contains(err.Error(), ".unreadable") {
		t.Fatalf("a damaged file: got %v, %v", h, err)
	}
	defer h.Close()
	if got := ids(t, h, time.Time{}); len(got) != 0 {
		t.Errorf("after damage: got %q", got)
	}
}

// damage cuts the file after its first pages, which say where the others are.
func damage(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(path, 9000); err != nil {
		t.Fatal(err)
	}
}

func told(id string, size int) *alert.Alert {
	return &alert.Alert{ID: id, Incident: id, Message: strings.Repeat("x", size), Story: &alert.Story{}}
}

func ids(t *testing.T, h *History, after time.Time) (all []string) {
	t.Helper()
	err := h.Since(after, func(line []byte) error {
		var a alert.Alert
		if err := json.Unmarshal(line, &a); err != nil {
			return err
		}
		if !a.Story.Updated.After(after) {
			t.Errorf("%s: updated %s, want after %s", a.ID, a.Story.Updated, after)
		}
		all = append(all, a.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A disk that fails loses nothing that there is room for: it is tried again,
// and the newest form counts.
func TestHistoryOfFailingDisk(t *testing.T) {
	h, err := OpenHistory(filepath.Join(t.TempDir(), "incidents.db"), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	h.tell(told("old", 10))
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h.tell(told("a", 10))
	if err := h.write(); err == nil {
		t.Fatal("writing to a closed file succeeded")
	}
	newer := told("a", 20)
	h.tell(newer)
	if err := h.write(); err == nil || h.pending.stories["a"] != newer || h.stats.failures.Load() != 2 {
		t.Errorf("after two failures: %v, %d counted", err, h.stats.failures.Load())
	}
	for i := range maxPending + 5 {
		h.tell(told(fmt.Sprint(i), 10))
	}
	if lost := h.stats.lost[lostQueueFull].Load(); lost != 6 || len(h.pending.stories) != maxPending {
		t.Errorf("waiting: %d, lost: %d", len(h.pending.stories), lost)
	}
}

func TestServe(t *testing.T) {
	h, err := OpenHistory(filepath.Join(t.TempDir(), "incidents.db"), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.tell(told("one", 10))
	if err := h.write(); err != nil {
		t.Fatal(err)
	}
	h.writing.Lock()
	between := h.last
	h.writing.Unlock()
	h.tell(told("two", 10))
	if err := h.write(); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+alert.IncidentsPath, h.ServeSince)
	mux.HandleFunc("GET "+alert.IncidentsPath+"/{id}", h.ServeOne)
	for path, want := range map[string]struct {
		status int
		ids    []string
	}{
		alert.IncidentsPath: {200, []string{"one", "two"}},
		alert.IncidentsPath + "?since=" + url.QueryEscape(between.Format(time.RFC3339Nano)): {200, []string{"two"}},
		alert.IncidentsPath + "?since=yesterday":                                            {400, nil},
		alert.IncidentsPath + "/one":                                                        {200, []string{"one"}},
		alert.IncidentsPath + "/three":                                                      {404, nil},
	} {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		var ids []string
		for line := range strings.Lines(answer.Body.String()) {
			var a alert.Alert
			if json.Unmarshal([]byte(line), &a) == nil {
				ids = append(ids, a.ID)
			}
		}
		if answer.Code != want.status || !slices.Equal(ids, want.ids) {
			t.Errorf("%s: got %d %q, want %d %q", path, answer.Code, ids, want.status, want.ids)
		}
	}
}
