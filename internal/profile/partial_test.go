package profile

import (
	"strings"
	"testing"
)

// Partial never comes without a reason.
func TestPartialReasons(t *testing.T) {
	tests := map[string]struct {
		provenance Provenance
		want       string
	}{
		"complete":       {Provenance{Completeness: Complete, From: "attach"}, ""},
		"start":          {Provenance{Completeness: Partial, From: "attach"}, "its start was not seen"},
		"lost":           {Provenance{Completeness: Partial, From: "start", Lost: 2}, "records lost: 2"},
		"not kept":       {Provenance{Completeness: Partial, From: "start", NotKept: 1}, "facts that no document can hold: 1"},
		"cut short":      {Provenance{Completeness: Partial, From: "start", CutShort: true}, "learning ended before its window"},
		"several":        {Provenance{Completeness: Partial, From: "attach", Lost: 1, NotKept: 1}, "its start was not seen, records lost: 1, facts that no document can hold: 1"},
		"by hand":        {Provenance{Completeness: Partial}, "the document does not say why"},
		"an older one's": {Provenance{Completeness: Partial, From: "start"}, "the document does not say why"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(tt.provenance.PartialReasons(), ", "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
