package event

import "strings"

// ChangeAct is the act of a change of a file or a name.
type ChangeAct uint8

// The acts, in the order of bpf/event.h.
const (
	ChangeRename ChangeAct = iota + 1
	ChangeUnlink
	ChangeLink
	ChangeSymlink
	ChangeMkdir
	ChangeRmdir
	ChangeMknod      // of a pipe, a socket or a plain file
	ChangeDevice     // mknod of a device
	ChangeChmod      // of a directory, or to a mode in which nobody may execute the file
	ChangeSetuid     // chmod that sets the setuid bit, or the setgid bit of a program
	ChangeExecutable // chmod to a mode in which somebody may execute the file
	ChangeChown
	ChangeTruncate
	ChangeSetxattr
	ChangeSetcap // setxattr of the attribute that holds capabilities
	ChangeMount

	ChangeEnd // one more than the last
)

var changeNames = [ChangeEnd]string{
	ChangeRename: "rename", ChangeUnlink: "unlink", ChangeLink: "link", ChangeSymlink: "symlink",
	ChangeMkdir: "mkdir", ChangeRmdir: "rmdir", ChangeMknod: "mknod", ChangeDevice: "device",
	ChangeChmod: "chmod", ChangeSetuid: "setuid", ChangeExecutable: "executable", ChangeChown: "chown",
	ChangeTruncate: "truncate", ChangeSetxattr: "setxattr", ChangeSetcap: "setcap", ChangeMount: "mount",
}

// String returns the act as documents name it, such as rename.
func (a ChangeAct) String() string {
	if a == 0 || a >= ChangeEnd {
		return "unknown"
	}
	return changeNames[a]
}

// ParseChangeAct is the inverse of String.
func ParseChangeAct(name string) (ChangeAct, bool) {
	for a := ChangeAct(1); a < ChangeEnd; a++ {
		if changeNames[a] == name {
			return a, true
		}
	}
	return 0, false
}

// ChangeNames returns the names of all acts, for messages.
func ChangeNames() string { return strings.Join(changeNames[1:], ", ") }
