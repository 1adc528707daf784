package alert

import (
	"bytes"
	"fmt"
	"strconv"

	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/rule"
	"bobwatch/internal/sensitive"
)

// Change is a change of a file or a name outside of the profile. Path is as in
// Exec.
type Change struct {
	Path string `json:"path"`
	Act  string `json:"act"` // as documents name it, such as rename
	// Other is the other name of the call, as the process passed it: the old or
	// new name of a file, or the target of a link.
	Other string `json:"other,omitempty"`
	Mode  string `json:"mode,omitempty"` // octal, of chmod and mknod
	// Created says that the act made the name.
	Created bool `json:"created,omitempty"`
	// Named says that Path is the string that the process passed. Another thread
	// may have replaced it since.
	Named   bool   `json:"named,omitempty"`
	Refused string `json:"refused,omitempty"` // the name of the error
	File    File   `json:"file,omitzero"`
}

var changeTeller = teller{
	describe: func(_ string, e *event.Event, _ *process.Command) Deviation {
		change := &Change{
			Path:    Printable(string(e.Path), maxPath),
			Act:     e.Change.String(),
			Other:   Printable(string(bytes.TrimRight(e.Args, "\x00")), maxPath),
			Created: e.Has(event.FlagCreated | event.FlagCallerPath),
			Named:   e.Has(event.FlagCallerPath),
			Refused: refusedWith(e),
		}
		if e.Mode != 0 {
			change.Mode = fmt.Sprintf("%04o", e.Mode&0o7777)
		}
		if !change.Named {
			change.File = fileOf(e)
		}
		return Deviation{Change: change}
	},
	identity: func(f fold, _ rule.ID, e *event.Event, chain *process.Chain) []string {
		return []string{
			f.path(e), e.Change.String(), string(e.Target),
			strconv.FormatBool(e.Has(event.FlagRefused)), generalise.Program(chain[0].Exe),
		}
	},
	sentence: func(d detector.Deviation, a *Alert, _ *process.Command) string {
		path := Printable(string(d.Event.Path), maxShown)
		other := Printable(string(bytes.TrimRight(d.Event.Args, "\x00")), maxShown)
		return a.Deviation.Change.sentence(path, other) + " by " + a.Process.Comm + a.Deviation.Change.refusal()
	},
	allow: allowChange,
}

// changeVerbs say what an act does; those of two names are in sentence.
var changeVerbs = map[event.ChangeAct]string{
	event.ChangeUnlink: "removal of", event.ChangeMkdir: "new directory", event.ChangeRmdir: "removal of directory",
	event.ChangeMknod: "new node", event.ChangeDevice: "new device", event.ChangeChmod: "change of mode of",
	event.ChangeSetuid: "setuid or setgid bit on", event.ChangeExecutable: "execute permission on",
	event.ChangeChown: "change of owner of", event.ChangeTruncate: "truncation of",
	event.ChangeSetxattr: "change of attributes of", event.ChangeSetcap: "file capabilities on", event.ChangeMount: "mount on",
}

func (c *Change) sentence(path, other string) string {
	act, _ := event.ParseChangeAct(c.Act)
	switch {
	case act == event.ChangeRename && c.Created:
		return fmt.Sprintf("rename of %s to %s", other, path)
	case act == event.ChangeRename:
		return fmt.Sprintf("rename of %s to %s", path, other)
	case act == event.ChangeLink && c.Created:
		return fmt.Sprintf("hard link %s to %s", path, other)
	case act == event.ChangeLink:
		return fmt.Sprintf("hard link to %s as %s", path, other)
	case act == event.ChangeSymlink:
		return fmt.Sprintf("symbolic link %s to %s", path, other)
	case c.Mode != "":
		return fmt.Sprintf("%s %s, mode %s", changeVerbs[act], path, c.Mode)
	}
	return changeVerbs[act] + " " + path
}

func (c *Change) refusal() string {
	if c.Refused == "" {
		return ""
	}
	return ", refused with " + c.Refused
}

// allowChange names the path as the learner would have. A link to a sensitive
// file would need that file's name too, which no alert should invite to allow.
func allowChange(e *event.Event, _ *Deviation) (profile.Container, bool) {
	path, ok := literalPath(e)
	if !ok {
		return profile.Container{}, false
	}
	if _, special := sensitive.Grade(e.Target); special {
		return profile.Container{}, false
	}
	pattern := foldPath(path)
	if hasWildcard(pattern) {
		return profile.Container{}, false
	}
	return profile.Container{Changes: []profile.Change{{Path: pattern, Acts: []string{e.Change.String()}}}}, true
}
