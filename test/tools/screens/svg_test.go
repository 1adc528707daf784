package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// texts returns what a picture says, and checks that it is XML.
func texts(t *testing.T, picture []byte) []string {
	t.Helper()
	var found []string
	decoder := xml.NewDecoder(strings.NewReader(string(picture)))
	inText := false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("%v in %s", err, picture)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				found = append(found, string(token))
			}
		}
	}
}

func TestDraw(t *testing.T) {
	tests := map[string]struct {
		frames []string
		texts  string // with | between them
		parts  []string
	}{
		"plain":            {frames: []string{"a b"}, texts: "a b"},
		"two rows":         {frames: []string{"a\n b"}, texts: "a| b", parts: []string{`y="13"`, `y="31"`}},
		"markup":           {frames: []string{"<a>&\"b\""}, texts: `<a>&"b"`},
		"colours":          {frames: []string{"\x1b[31mred\x1b[39m not"}, texts: "red| not", parts: []string{`x="0.0" y="13" textLength="25.2" fill="#ff7b72"`, `x="25.2" y="13" textLength="33.6">`}},
		"several at once":  {frames: []string{"\x1b[1;32mx\x1b[0my"}, texts: "x|y", parts: []string{`fill="#7ee787" font-weight="bold">x<`, `textLength="8.4">y<`}},
		"over a line end":  {frames: []string{"\x1b[2ma\nb\x1b[22mc"}, texts: "a|b|c", parts: []string{`opacity="0.6">b<`, `textLength="8.4">c<`}},
		"other characters": {frames: []string{"⋯ é"}, texts: "⋯ é", parts: []string{`textLength="25.2"`}},
		"reverse":          {frames: []string{"\x1b[7m x \x1b[27m"}, texts: " x", parts: []string{`<rect x="0.0" y="0" width="25.2"`}},
		"two frames":       {frames: []string{"a", "b\nc"}, texts: "a|b|c", parts: []string{"@keyframes play{0.00%", "translateY(-64px)"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			picture := draw(tt.frames, 10)
			if got := strings.Join(texts(t, picture), "|"); got != tt.texts {
				t.Errorf("draw says %q, want %q", got, tt.texts)
			}
			for _, part := range tt.parts {
				if !strings.Contains(string(picture), part) {
					t.Errorf("draw has no %s: %s", part, picture)
				}
			}
		})
	}
}
