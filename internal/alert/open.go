package alert

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"bobwatch/internal/detector"
	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/rule"
)

// Open is an open outside of the profile. Path is as in Exec.
type Open struct {
	Path  string `json:"path"`
	Flags string `json:"flags"` // O_RDONLY, O_WRONLY, O_RDWR or O_PATH
	// Refused is the name of the error that the kernel returned. Path is then the
	// string that the process passed.
	Refused string `json:"refused,omitempty"`
	IOUring bool   `json:"ioUring,omitempty"`
	File    File   `json:"file,omitzero"`
}

var openTeller = teller{
	describe: func(_ string, e *event.Event, _ *process.Command) Deviation {
		open := &Open{
			Path:    Printable(string(e.Path), maxPath),
			Flags:   e.Access.String(),
			IOUring: e.Has(event.FlagIOUring),
			File:    fileOf(e),
		}
		if e.Has(event.FlagRefused) {
			open.Refused = errnoName(e.Errno)
		}
		return Deviation{Open: open}
	},
	identity: func(f fold, _ rule.ID, e *event.Event, chain *process.Chain) []string {
		return []string{
			f.path(e), e.Access.String(),
			strconv.FormatBool(e.Has(event.FlagRefused)), generalise.Program(chain[0].Exe),
		}
	},
	sentence: func(d detector.Deviation, a *Alert, _ *process.Command) string {
		open := a.Deviation.Open
		path := Printable(string(d.Event.Path), maxShown)
		tree := ""
		if pattern, ok := imageTree(d.Event); ok {
			tree = ", which stands for all of " + Printable(pattern, maxShown) + " in the image"
		}
		return fmt.Sprintf("%s %s by %s%s%s", openName(open), path, a.Process.Comm, refusal(open), tree)
	},
	allow: allowOpen,
}

func errnoName(errno uint32) string {
	if name := unix.ErrnoName(unix.Errno(errno)); name != "" {
		return name
	}
	return fmt.Sprintf("errno %d", errno)
}

// allowOpen names the path as the learner would have: the pid in it is another
// one the next time.
func allowOpen(e *event.Event, _ *Deviation) (profile.Container, bool) {
	path, ok := literalPath(e)
	if !ok {
		return profile.Container{}, false
	}
	pattern := foldPath(path)
	if hasWildcard(pattern) {
		return profile.Container{}, false // deeper than patterns go
	}
	return profile.Container{Opens: []profile.Open{{Path: pattern, Flags: []string{e.Access.String()}}}}, true
}

func openName(o *Open) string {
	name := "lookup of"
	switch o.Flags {
	case "O_RDONLY":
		name = "read of"
	case "O_WRONLY":
		name = "write to"
	case "O_RDWR":
		name = "read and write of"
	}
	if o.IOUring {
		name = "io_uring " + name
	}
	return name
}

func refusal(o *Open) string {
	if o.Refused == "" {
		return ""
	}
	return ", refused with " + o.Refused
}
