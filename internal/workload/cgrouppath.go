package workload

import (
	"errors"
	"path"
	"strings"
)

// maxPath is the kernel's PATH_MAX.
const maxPath = 4096

// maxIDLength is containerd's own bound on identifiers.
const maxIDLength = 76

// subgroup is where crun puts the processes of a container that has a systemd
// scope, below the scope.
const subgroup = "/container"

// scopePrefixes are the scope prefixes of runtimes that name systemd units
// "<prefix>-<id>.scope".
var scopePrefixes = []string{"cri-containerd-", "docker-", "crio-", "libpod-", "nerdctl-"}

// hostUnits are the suffixes of systemd units that are never containers.
var hostUnits = []string{".slice", ".service", ".mount", ".socket", ".swap", ".timer", ".device", ".automount"}

// candidate returns the container ID that the last component of a cgroup's
// path spells. A path that cannot be a container's, such as a slice's or a
// pod's, yields "".
//
// The ID is a guess from a name anybody may have chosen: the runtime's record
// decides.
func candidate(cgroupPath string) string {
	dir, leaf := path.Split(cgroupPath)
	if "/"+leaf == subgroup && strings.HasSuffix(dir, ".scope/") {
		leaf = path.Base(dir)
	}
	for _, suffix := range hostUnits {
		if strings.HasSuffix(leaf, suffix) {
			return ""
		}
	}
	if isPod(leaf) || isQOSClass(dir, leaf) {
		return ""
	}
	if scope, ok := strings.CutSuffix(leaf, ".scope"); ok {
		return scopeID(scope)
	}
	return identifier(leaf)
}

// scopeID takes the ID out of "<prefix>-<id>". An unknown prefix ends at the
// first dash, as it does in the units runc names for other callers.
func scopeID(scope string) string {
	for _, prefix := range scopePrefixes {
		if id, ok := strings.CutPrefix(scope, prefix); ok {
			return identifier(id)
		}
	}
	_, id, _ := strings.Cut(scope, "-")
	return identifier(id)
}

// isPod reports whether a cgroupfs-driver component is a pod's: "pod<uid>",
// where the uid is a UUID or, for static pods, 32 hex digits.
func isPod(leaf string) bool {
	uid, ok := strings.CutPrefix(leaf, "pod")
	return ok && len(uid) >= 32 && strings.Trim(uid, "0123456789abcdef-") == ""
}

// isQOSClass reports whether the component is one of the kubelet's groups of
// pods, with the cgroupfs driver.
func isQOSClass(dir, leaf string) bool {
	return (leaf == "burstable" || leaf == "besteffort") && path.Base(dir) == "kubepods"
}

// isHexID reports whether an ID is of the kind runtimes generate, 64 hex digits.
// Nothing else on a host is called so.
func isHexID(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// identifier returns s if containerd would accept it as an ID, else "".
func identifier(s string) string {
	if s == "" || len(s) > maxIDLength {
		return ""
	}
	separator := true
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			separator = false
		case (c == '-' || c == '.' || c == '_') && !separator:
			separator = true
		default:
			return ""
		}
	}
	if separator {
		return ""
	}
	return s
}

var errCgroupsPath = errors.New("malformed cgroupsPath")

// recordedPath returns the absolute path of the cgroup that linux.cgroupsPath
// of a container's OCI spec means. It is "/a/b/id" with the cgroupfs driver and
// "slice:prefix:name" with systemd's.
func recordedPath(cgroupsPath string) (string, error) {
	if cgroupsPath == "" || len(cgroupsPath) > maxPath {
		return "", errCgroupsPath
	}
	if parts := strings.Split(cgroupsPath, ":"); len(parts) == 3 && !strings.Contains(cgroupsPath, "/") {
		return systemdPath(parts[0], parts[1], parts[2])
	}
	p := path.Clean("/" + cgroupsPath)
	if p == "/" {
		return "", errCgroupsPath
	}
	return p, nil
}

// systemdPath expands a slice as systemd nests it: "a-b.slice" lies in
// "a.slice". The scope's name is runc's.
func systemdPath(slice, prefix, name string) (string, error) {
	if name == "" {
		return "", errCgroupsPath
	}
	dir, err := slicePath(slice)
	if err != nil {
		return "", err
	}
	if strings.HasSuffix(name, ".slice") {
		return dir + "/" + name, nil
	}
	if prefix != "" {
		name = prefix + "-" + name
	}
	return dir + "/" + name + ".scope", nil
}

// slicePath returns the directory of a slice. The empty slice is system.slice,
// as runc has it, and "-.slice" is the root.
func slicePath(slice string) (string, error) {
	switch slice {
	case "":
		return "/system.slice", nil
	case "-.slice":
		return "", nil
	}
	name, ok := strings.CutSuffix(slice, ".slice")
	if !ok {
		return "", errCgroupsPath
	}
	var dir, unit strings.Builder
	for i, part := range strings.Split(name, "-") {
		if part == "" {
			return "", errCgroupsPath
		}
		if i > 0 {
			unit.WriteByte('-')
		}
		unit.WriteString(part)
		dir.WriteString("/" + unit.String() + ".slice")
	}
	return dir.String(), nil
}
