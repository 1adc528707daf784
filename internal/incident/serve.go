package incident

import (
	"net/http"
	"time"

	"bobwatch/internal/alert"
)

// ServeSince answers with the incidents of the history as JSON lines, each an
// alert with a story, the oldest first.
func (h *History) ServeSince(w http.ResponseWriter, r *http.Request) {
	var after time.Time
	if text := r.URL.Query().Get(alert.IncidentsSince); text != "" {
		var err error
		if after, err = time.Parse(time.RFC3339Nano, text); err != nil {
			http.Error(w, alert.IncidentsSince+": want a time as of RFC 3339", http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Type", "application/jsonl")
	begun := false
	err := h.Since(after, func(line []byte) error {
		begun = true
		_, err := w.Write(line)
		return err
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // the answer is not whole, and must not look so
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// ServeOne answers with one incident as a line of JSON.
func (h *History) ServeOne(w http.ResponseWriter, r *http.Request) {
	story, err := h.Get(r.PathValue("id"))
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case story == nil:
		http.Error(w, "no such incident", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(story) // the client may have gone away
	}
}
