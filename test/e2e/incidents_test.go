package e2e

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/incident"
	"bobwatch/internal/rule"
	"bobwatch/test/watch"
)

// mustBeOneIncidentEach wants the alerts of each attack, which began at these
// times, in one incident, and so one alert at Alertmanager: at most 1.2 for an
// attack.
func mustBeOneIncidentEach(t *testing.T, seen []watch.Seen, begun []time.Time) {
	t.Helper()
	all := make(map[string]bool)
	for i := range attacks {
		ids := make(map[string][]string)
		for _, s := range seen {
			after := s.First.Before(begun[i].Add(-25 * time.Millisecond))
			next := i+1 < len(begun) && !s.First.Before(begun[i+1].Add(-5*time.Millisecond))
			// One that repeats an earlier one says nothing new.
			if !after && !next && s.Rule != rule.Suppressed {
				ids[s.Incident] = append(ids[s.Incident], s.Chain()+": "+s.Message)
				all[s.Incident] = true
			}
		}
		if len(ids) != 1 {
			t.Errorf("%s is %d incidents, want one: %q", attacks[i].name, len(ids), ids)
		}
	}
	t.Logf("%d attacks, %d alerts, %d incidents", len(attacks), len(seen), len(all))
	if 10*len(all) > 12*len(attacks) {
		t.Errorf("%d incidents of %d attacks, want at most 1.2 each", len(all), len(attacks))
	}
}

// history reads the incidents that an agent left, by id.
func history(t *testing.T, config watch.Config) map[string]alert.Alert {
	t.Helper()
	h, err := incident.OpenHistory(filepath.Join(config.Dir, "incidents.db"), incident.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	stories := make(map[string]alert.Alert)
	err = h.Since(time.Time{}, func(line []byte) error {
		var a alert.Alert
		if err := json.Unmarshal(line, &a); err != nil {
			return err
		}
		stories[a.ID] = a
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return stories
}

// mustTellAll wants every alert in its incident's story, and every act counted.
func mustTellAll(t *testing.T, seen []watch.Seen, stories map[string]alert.Alert) {
	t.Helper()
	for _, s := range seen {
		if s.Rule == rule.Suppressed {
			continue // its alerts are in the stories
		}
		story := stories[s.Incident]
		if story.Story == nil {
			t.Errorf("%s: no incident %q in the history", s.Message, s.Incident)
			continue
		}
		if story.Severity < s.Severity {
			t.Errorf("%s: %s, but its incident is %s", s.Message, s.Severity, story.Severity)
		}
		if !tells(&story, s.ID) && story.Story.Untold == 0 {
			t.Errorf("%s: not in the story of its incident: %s", s.Message, story.Message)
		}
	}
	for id, story := range stories {
		sum := story.Story.Untold
		for i := range story.Story.Timeline {
			sum += story.Story.Timeline[i].Count
		}
		if sum != story.Count {
			t.Errorf("incident %s: %d acts, of which the story has %d", id, story.Count, sum)
		}
	}
}

func tells(story *alert.Alert, id string) bool {
	for i := range story.Story.Timeline {
		if story.Story.Timeline[i].Alert == id {
			return true
		}
	}
	return false
}
