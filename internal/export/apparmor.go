package export

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/glob"
	"bobwatch/internal/profile"
	"bobwatch/internal/syscalls"
)

// AppArmor returns the AppArmor profile of a container, in the policy language
// of AppArmor 3, without includes, so that apparmor_parser needs no files
// besides it. Programs run under the same profile (ix).
//
// It allows more than the document in this: arguments are not looked at, an
// open for writing also removes, renames and locks the file, and the dynamic
// loader may be mapped, because the kernel opens it itself. It allows less in
// that a file or directory that was made, renamed or removed without ever
// being opened is in no document.
func AppArmor(p *profile.Profile, name string) ([]byte, error) {
	c, err := container(p, name)
	if err != nil {
		return nil, fmt.Errorf("export AppArmor profile of %s: %w", p.Metadata.Name, err)
	}
	if err := speaks(p, &c, profile.SenseExecs, profile.SenseOpens); err != nil {
		return nil, fmt.Errorf("export AppArmor profile of %s: %w", p.Metadata.Name, err)
	}
	w := apparmorWriter{c: &c, name: objectName(p, &c)}
	w.line("# %q, container %q, as an AppArmor profile.", p.Metadata.Name, c.Name)
	w.line("profile %s flags=(attach_disconnected,mediate_deleted) {", w.name)
	w.base()
	w.capabilities()
	w.network()
	w.mounts()
	w.files()
	w.line("}")
	return []byte(w.text.String()), nil
}

type apparmorWriter struct {
	text strings.Builder
	c    *profile.Container
	name string
}

func (w *apparmorWriter) line(format string, args ...any) {
	fmt.Fprintf(&w.text, format+"\n", args...)
}

// base is what every container needs and no document records: the runtime's
// signals, standard streams that were opened before the workload started, and
// the dynamic loader.
func (w *apparmorWriter) base() {
	w.line("  signal (receive) peer=unconfined,")
	w.line("  signal (send,receive) peer=%s,", w.name)
	if w.calls("ptrace") {
		w.line("  ptrace (trace,read,tracedby,readby) peer=%s,", w.name)
	}
	w.line("  /dev/null rw,")
	w.line("  /dev/pts/[0-9]* rw,")
	w.line("  /dev/console rw,")
	w.line("  /{,usr/}lib{,32,64,x32}/{,*/}ld{,-*}.so{,.*} mr,")
}

// calls reports whether the document has a call of the family of name.
func (w *apparmorWriter) calls(name string) bool {
	family := syscalls.Family(name)
	for _, names := range w.c.Syscalls {
		if slices.ContainsFunc(names, func(n string) bool { return syscalls.Family(n) == family }) {
			return true
		}
	}
	return false
}

func (w *apparmorWriter) capabilities() {
	for _, capability := range w.c.Capabilities {
		if !slices.Contains(knownCapabilities, capability) {
			w.line("  # capability %q is not known", capability)
			continue
		}
		w.line("  capability %s,", strings.ToLower(capability))
	}
}

func (w *apparmorWriter) has(capability string) bool {
	return slices.Contains(w.c.Capabilities, capability)
}

// network allows address families, for AppArmor knows no addresses. Where the
// document says nothing about peers, TCP and UDP are allowed.
func (w *apparmorWriter) network() {
	peers := slices.Concat(w.c.Network.Egress, w.c.Network.Ingress)
	if len(peers) == 0 && !w.calls("socket") && !w.calls("socketcall") {
		return
	}
	types := make(map[string]bool)
	for _, peer := range peers {
		if len(peer.DNSNames) > 0 {
			types["dgram"] = true // the lookup
		}
		for _, port := range peer.Ports {
			types[socketType[strings.ToUpper(port.Protocol)]] = true
		}
		if len(peer.Ports) == 0 {
			types[""] = true
		}
	}
	if len(peers) == 0 || types[""] {
		types = map[string]bool{"stream": true, "dgram": true}
	}
	if w.has("NET_RAW") {
		types["raw"] = true
		w.line("  network packet,")
	}
	for _, typ := range slices.Sorted(maps.Keys(types)) {
		w.line("  network inet %s,", typ)
		w.line("  network inet6 %s,", typ)
	}
	w.line("  network netlink,")
	w.line("  network unix,")
}

// socketType is the type of the sockets of a protocol. SCTP has stream sockets
// as well, which TCP's rule allows.
var socketType = map[string]string{"TCP": "stream", "UDP": "dgram", "SCTP": "seqpacket"}

// mounts allows mounting to those who do and could: the document does not say
// what they mount.
func (w *apparmorWriter) mounts() {
	if w.calls("mount") && w.has("SYS_ADMIN") {
		w.line("  mount,")
		w.line("  umount,")
		w.line("  pivot_root,")
	}
}

// files writes one rule a path, with the permissions of all entries that have
// it.
func (w *apparmorWriter) files() {
	rules := make(map[string]string)
	allow := func(path, permissions string) {
		if !strings.HasPrefix(path, "/") && path != glob.Wildcard {
			w.line("  # %q is no path", path)
			return
		}
		for _, glob := range globs(path) {
			rules[glob] += permissions
		}
	}
	for _, exec := range w.c.Execs {
		allow(exec.Path, "mrix")
	}
	for _, open := range w.c.Opens {
		allow(open.Path, permissions(open))
	}
	for _, glob := range slices.Sorted(maps.Keys(rules)) {
		if permissions := orderPermissions(rules[glob]); permissions != "" {
			w.line("  %s %s,", glob, permissions)
		}
	}
}

// permissions translates the flags of an open. O_PATH opens are not mediated.
func permissions(o profile.Open) string {
	has := func(flags ...string) bool {
		return slices.ContainsFunc(flags, func(flag string) bool { return slices.Contains(o.Flags, flag) })
	}
	access := has("O_RDONLY", "O_WRONLY", "O_RDWR", "O_PATH")
	p := ""
	if !access || has("O_RDONLY", "O_RDWR") {
		p += "rk"
		if isLibrary(o.Path) {
			p += "m"
		}
	}
	if !access || has("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC") {
		p += "wk"
	}
	return p
}

// isLibrary reports whether a path names something whose code is mapped:
// recorded opens do not tell reading from mapping.
func isLibrary(path string) bool {
	base := path[strings.LastIndexByte(path, '/')+1:]
	if strings.HasSuffix(base, ".so") || strings.Contains(base, ".so.") || strings.HasSuffix(base, ".node") {
		return true
	}
	isPattern := base == glob.Wildcard || base == glob.Dynamic
	return isPattern && (strings.Contains(path, "/lib/") || strings.Contains(path, "/lib64/"))
}

// orderPermissions returns each permission once, in the order people write
// them.
func orderPermissions(permissions string) string {
	var ordered strings.Builder
	for _, p := range []string{"m", "r", "w", "k", "ix"} {
		if strings.Contains(permissions, p) {
			ordered.WriteString(p)
		}
	}
	return ordered.String()
}
