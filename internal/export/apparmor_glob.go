package export

import (
	"fmt"
	"regexp"
	"strings"

	"bobwatch/internal/glob"
	"bobwatch/internal/names"
)

// globs translates a path pattern into AppArmor's globs:
//
//   - ⋯, one segment, is ?*, for * alone may match nothing;
//   - ⋯ and ⟦#⟧ within a name are [-A-Za-z0-9_]* and [0-9]*: AppArmor cannot say
//     that all of the characters are such, only that the first is;
//   - * between segments, any number of them, is {,**/};
//   - * at the end, one segment or more, is **.
//
// Directories end in a slash there, so every path is allowed with and without
// one. Of the directories that a merged /usr makes one, both are named.
func globs(path string) []string {
	if path == glob.Wildcard {
		return []string{"/", "/**"}
	}
	segments := strings.Split(strings.Trim(path, "/"), "/")
	var out strings.Builder
	out.WriteString("/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch {
		case segment == glob.Wildcard && last:
			out.WriteString("**")
		case segment == glob.Wildcard:
			if i == 0 || segments[i-1] != glob.Wildcard {
				out.WriteString("{,**/}")
			}
		case segment == glob.Dynamic:
			out.WriteString("?*")
		default:
			out.WriteString(names.Parse(segment).Glob(escape, partGlob))
		}
		if !last && segment != glob.Wildcard {
			out.WriteString("/")
		}
	}
	text := mergedUsr.ReplaceAllString(out.String(), "/{,usr/}$1/")
	if path != "/" && segments[len(segments)-1] != glob.Wildcard {
		text += "{,/}"
	}
	return []string{`"` + text + `"`}
}

func partGlob(kind names.HoleKind) string {
	if kind == names.HoleNumber {
		return "[0-9]*"
	}
	return "[-A-Za-z0-9_]*"
}

// mergedUsr matches the directories that exist below / and /usr alike.
var mergedUsr = regexp.MustCompile(`^/(?:usr/)?(bin|sbin|lib|lib32|lib64|libx32)/`)

// escape writes a segment so that AppArmor reads it literally between quotes;
// only ? stays a wildcard for one byte.
// Bytes that are neither letters, digits nor harmless become octal escapes,
// so nothing in a hostile path can end the rule.
func escape(segment string) string {
	var text strings.Builder
	for i := range len(segment) {
		switch c := segment[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("._-+=:~% ;'", c) >= 0, c >= 0x80:
			text.WriteByte(c)
		case c == '?': // AppArmor 3.0 cannot say a literal one: \? is an operator there
			text.WriteByte(c)
		case strings.IndexByte(`*[]{}^\,"@`, c) >= 0:
			text.WriteByte('\\')
			text.WriteByte(c)
		default:
			fmt.Fprintf(&text, `\%03o`, c)
		}
	}
	return text.String()
}

// knownCapabilities are those of Linux 6.12; apparmor_parser refuses others.
var knownCapabilities = []string{
	"AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN",
	"DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE",
	"LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST",
	"NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT",
	"SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME",
	"SYS_TTY_CONFIG", "WAKE_ALARM",
}
