package sensor

import "bobwatch/internal/event"

// change says which arguments of a system call name the changed file, counted from 1; 0
// stands for an argument that the call does not take. A change without a name is one of
// the file behind the descriptor.
type change struct {
	act       event.ChangeAct
	dfd, name uint8 // of the first changed file, such as the old name
	toDfd, to uint8 // the name that comes of it
	target    uint8 // a text that the call stores or takes, for the report alone
	detail    uint8 // the mode, the flags or the name of an attribute
}

// changes are the system calls that change files and names.
var changes = map[string]change{
	"rename":     {act: event.ChangeRename, name: 1, to: 2},
	"renameat":   {act: event.ChangeRename, dfd: 1, name: 2, toDfd: 3, to: 4},
	"renameat2":  {act: event.ChangeRename, dfd: 1, name: 2, toDfd: 3, to: 4},
	"unlink":     {act: event.ChangeUnlink, name: 1},
	"unlinkat":   {act: event.ChangeUnlink, dfd: 1, name: 2, detail: 3},
	"rmdir":      {act: event.ChangeRmdir, name: 1},
	"link":       {act: event.ChangeLink, name: 1, to: 2},
	"linkat":     {act: event.ChangeLink, dfd: 1, name: 2, toDfd: 3, to: 4},
	"symlink":    {act: event.ChangeSymlink, name: 2, target: 1},
	"symlinkat":  {act: event.ChangeSymlink, dfd: 2, name: 3, target: 1},
	"mkdir":      {act: event.ChangeMkdir, name: 1},
	"mkdirat":    {act: event.ChangeMkdir, dfd: 1, name: 2},
	"mknod":      {act: event.ChangeMknod, name: 1, detail: 2},
	"mknodat":    {act: event.ChangeMknod, dfd: 1, name: 2, detail: 3},
	"chmod":      {act: event.ChangeChmod, name: 1, detail: 2},
	"fchmod":     {act: event.ChangeChmod, dfd: 1, detail: 2},
	"fchmodat":   {act: event.ChangeChmod, dfd: 1, name: 2, detail: 3},
	"fchmodat2":  {act: event.ChangeChmod, dfd: 1, name: 2, detail: 3},
	"chown":      {act: event.ChangeChown, name: 1},
	"lchown":     {act: event.ChangeChown, name: 1},
	"fchown":     {act: event.ChangeChown, dfd: 1},
	"fchownat":   {act: event.ChangeChown, dfd: 1, name: 2},
	"truncate":   {act: event.ChangeTruncate, name: 1},
	"ftruncate":  {act: event.ChangeTruncate, dfd: 1},
	"setxattr":   {act: event.ChangeSetxattr, name: 1, detail: 2},
	"lsetxattr":  {act: event.ChangeSetxattr, name: 1, detail: 2},
	"fsetxattr":  {act: event.ChangeSetxattr, dfd: 1, detail: 2},
	"setxattrat": {act: event.ChangeSetxattr, dfd: 1, name: 2, detail: 4},
	"mount":      {act: event.ChangeMount, name: 2, target: 1},
	"move_mount": {act: event.ChangeMount, dfd: 3, name: 4, target: 2},
	"pivot_root": {act: event.ChangeMount, name: 1, target: 2},
}

// cookie returns the cookie that the BPF program reads, see bpf/change.h.
func (c change) cookie() uint64 {
	cookie := uint64(c.act)
	for i, n := range []uint8{c.dfd, c.name, c.toDfd, c.to, c.target, c.detail} {
		cookie |= uint64(n) << (8 + 4*i)
	}
	return cookie
}
