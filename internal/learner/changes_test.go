package learner

import (
	"fmt"
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
)

func changeEvent(act event.ChangeAct, path, target string) *event.Event {
	return &event.Event{Kind: event.KindChange, Change: act, Path: []byte(path), Target: []byte(target), Flags: event.FlagCallerPath}
}

// TestChangesHoldNextTime: what varies from run to run in the names of temporary
// files is no news, and other acts on the same files are.
func TestChangesHoldNextTime(t *testing.T) {
	l := newLearner()
	for _, pid := range []int{17, 4711, 38} {
		temporary := fmt.Sprintf("/data/temp-%d.rdb", pid)
		l.Observe(changeEvent(event.ChangeRename, temporary, ""))
		l.Observe(changeEvent(event.ChangeRename, "/data/dump.rdb", ""))
		l.Observe(changeEvent(event.ChangeUnlink, fmt.Sprintf("/tmp/tmp.%dAbCdEf", pid), ""))
	}
	l.Observe(changeEvent(event.ChangeSymlink, "/data/link", "/etc/shadow"))
	for _, random := range []string{"sedzs3k8o", "sed4LrPq8", "sedlJWUBx"} { // as sed -i makes them
		l.Observe(changeEvent(event.ChangeRename, "/etc/"+random, ""))
	}
	c := l.Container()
	m, err := match.Compile([]profile.Container{c}, match.Options{Arch: "amd64", Senses: l.Senses()})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		act  event.ChangeAct
		path string
		want match.Verdict
	}{
		"another temporary file": {event.ChangeRename, "/data/temp-99.rdb", match.Allowed},
		"another name of sed":    {event.ChangeRename, "/etc/sedtMmcgz", match.Allowed},
		"another name in /etc":   {event.ChangeRename, "/etc/passwd", match.PathUnknown},
		"the final name":         {event.ChangeRename, "/data/dump.rdb", match.Allowed},
		"another act":            {event.ChangeUnlink, "/data/dump.rdb", match.DetailUnknown},
		"another name":           {event.ChangeRename, "/srv/other", match.PathUnknown},
		"the target of a link":   {event.ChangeSymlink, "/etc/shadow", match.Allowed},
	}
	for name, tt := range tests {
		if got := m.Change([]byte(tt.path), tt.act); got != tt.want {
			t.Errorf("%s: verdict %d, want %d; learned %v", name, got, tt.want, c.Changes)
		}
	}
	l.Observe(&event.Event{Kind: event.KindOpen, Path: []byte("/data/log"), Access: event.AccessWrite})
	written, err := match.Compile([]profile.Container{l.Container()}, match.Options{Arch: "amd64", Senses: l.Senses()})
	if err != nil {
		t.Fatal(err)
	}
	for act, want := range map[event.ChangeAct]match.Verdict{
		event.ChangeChown: match.Allowed, event.ChangeTruncate: match.Allowed, event.ChangeSetuid: match.PathUnknown, event.ChangeLink: match.PathUnknown,
	} {
		if got := written.Change([]byte("/data/log"), act); got != want && (want == match.Allowed || got == match.Allowed) {
			t.Errorf("%s of a file that is written: verdict %d, want %d", act, got, want)
		}
	}
	other := newLearner()
	if !other.Absorb(&c, boot) || other.Absorb(&c, boot) {
		t.Error("changes are not absorbed once")
	}
}
