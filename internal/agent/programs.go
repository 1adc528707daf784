package agent

import (
	"hash/maphash"

	"bobwatch/internal/event"
	"bobwatch/internal/status"
)

// maxPrograms bounds the programs of one behaviour, and of one instance, whose
// files are remembered. Beyond it a name is not bound to its file.
const maxPrograms = 4096

// pathSeed keys the hashes of programs' paths.
var pathSeed = maphash.MakeSeed()

// file is the file that a program's name led to.
type file struct {
	dev          uint32
	ino, changed uint64
}

// source says where the programs by one name were over all instances.
type source struct {
	image  bool // it was executed from the image
	varies bool // while it was learned it was not always the same file
}

// notOfImage are the flags of a file that the image does not hold.
const notOfImage = event.FlagUpperLayer | event.FlagMount | event.FlagDeleted | event.FlagMemfd | event.FlagOutside

// bind sets event.FlagReplaced if an execution's name led to another program
// before. A program of the image stays one for all containers of that image. Any
// other, such as one that a container unpacks when it starts, stays the same as
// long as the container runs. A program that changed while it was learned may
// change. An update of the image is another behaviour.
func (in *instance) bind(ev *event.Event) {
	b := in.behaviour
	key := maphash.Bytes(pathSeed, ev.Path)
	fromImage := in.facts.Image && ev.Flags&notOfImage == 0
	now := file{dev: ev.Dev, ino: ev.Ino, changed: ev.Changed}
	known, seen := b.sources[key]
	before, ran := in.files[key]
	replaced := known.image && !fromImage || ran && !fromImage && before != now
	switch {
	case replaced && b.State == status.Learning:
		known.varies = true
	case replaced && !known.varies:
		ev.Flags |= event.FlagReplaced
		return // and again the next time
	}
	known.image = known.image || fromImage
	if seen || len(b.sources) < maxPrograms {
		b.sources[key] = known
	}
	if !fromImage && (ran || len(in.files) < maxPrograms) {
		in.files[key] = now
	}
}
