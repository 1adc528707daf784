// Package sensitive knows the files that an intruder looks for: secrets, files that grant
// rights, and files that lead out of the container.
package sensitive

import (
	"slices"

	"bobwatch/internal/severity"
)

// Grade grades the file at path: whether it holds secrets, grants rights, or leads out of
// the container. It does not allocate.
func Grade(path []byte) (severity.Severity, bool) {
	worst, found := severity.Low, false
	for i := range places {
		p := &places[i]
		if (!found || p.grade > worst) && p.matches(path) {
			worst, found = p.grade, true
		}
	}
	return worst, found
}

// Widens reports whether the pattern with these segments, those of
// splitPath, matches a sensitive place by means of a wildcard of its own. No
// generalised path may. Segment fresh, unless it is none, is a ⋯ that is to
// stand for names other than those of generations.
func Widens(segments []string, fresh int) bool {
	for i := range places {
		if p := &places[i]; p.guarded && p.widenedBy(segments[1:], fresh-1) {
			return true
		}
	}
	return false
}

// NoSegment says that no segment is fresh.
const NoSegment = -1

// places are the sensitive places, graded by the gain of an intruder.
var places = slices.Concat(
	compilePlaces(severity.Critical, true,
		"/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/security/opasswd",
		"/etc/sudoers", "/etc/sudoers.d/+",
		"/etc/ssh/ssh_host_*_key",
		"/etc/kubernetes/**", "/var/lib/etcd/**",
		"/var/lib/kubelet/pki/**", "/var/lib/kubelet/config*", "/var/lib/kubelet/kubeconfig*", "/var/lib/kubelet/bootstrap*",
		"/var/lib/kubelet/pods/⋯/volumes/kubernetes.io~projected/**", "/var/lib/kubelet/pods/⋯/volumes/kubernetes.io~secret/**",
		"/etc/rancher/**", "/var/lib/rancher/**",
		"/run/docker.sock", "/var/run/docker.sock",
		"/run/containerd/**", "/var/run/containerd/**", "/run/k3s/**", "/var/run/k3s/**",
		"/run/crio/crio.sock", "/var/run/crio/crio.sock",
		"/run/podman/podman.sock", "/var/run/podman/podman.sock",
		"/proc/⋯/mem", "/proc/⋯/task/⋯/mem",
		"/proc/kcore", "/proc/kmem", "/dev/mem", "/dev/kmem", "/dev/port",
		"/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
		"/proc/sys/fs/binfmt_misc/+", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/**/release_agent",
	),
	compilePlaces(severity.High, true,
		"/proc/⋯/environ", "/proc/⋯/task/⋯/environ", "/proc/kallsyms", "/proc/keys",
		"/etc/ssl/private/+", "/etc/krb5.keytab", "/etc/ld.so.preload",
		"/var/spool/cron/**",
	),
	compilePlaces(severity.High, true, belowEach(secretMounts, []string{"+", "azure/tokens/+"})...),
	compilePlaces(severity.High, true, belowEach(secretMounts, serviceAccount("token"))...),
	compilePlaces(severity.Medium, true, belowEach(secretMounts, slices.Concat(serviceAccount("ca.crt"), serviceAccount("namespace")))...),
	compilePlaces(severity.High, true, belowEach([]string{"/root", "/home/+"}, slices.Concat(keyFiles, dotFiles))...),
	compilePlaces(severity.High, true, belowEach([]string{"/~", "/opt/+", "/srv/+", "/var/lib/+", "/var/www"}, keyFiles)...),
	compilePlaces(severity.Medium, true,
		"/etc/passwd", "/etc/passwd-", "/etc/group", "/etc/group-", "/etc/ssh/+",
		"/etc/crontab", "/etc/cron.*/+", "/etc/crontabs/+", "/etc/periodic/+/+", "/etc/pam.d/+",
		"/proc/⋯/maps", "/proc/⋯/smaps", "/proc/⋯/map_files/⋯", "/proc/⋯/task/⋯/maps",
	),
	// Graded, but not guarded: were these kept from generalisation wherever they
	// could be, hardly a wildcard could stand anywhere.
	compilePlaces(severity.High, false, belowEach([]string{"/**"}, slices.Concat(keyFiles, dotFiles))...),
)

// secretMounts are the directories in which Kubernetes mounts secrets.
var secretMounts = []string{"/run/secrets", "/var/run/secrets"}

// serviceAccount returns where a file of a service account lies. Only where its
// directory has a name of its own may its generation vary: one level higher,
// that would take in other accounts.
func serviceAccount(file string) []string {
	return []string{"+/**/..gen/" + file, "kubernetes.io/+/" + file, "eks.amazonaws.com/+/" + file}
}

// keyFiles are keys that services keep in their homes too, by names that
// nothing else has.
var keyFiles = []string{
	".ssh/id_*", ".ssh/authorized_keys*", ".ssh/config", ".ssh/known_hosts",
	".aws/credentials", ".kube/config", ".docker/config.json",
}

// dotFiles are what people keep in theirs besides.
var dotFiles = []string{
	".ssh/+", ".aws/config", ".azure/**", ".config/gcloud/**", ".gnupg/+",
	".git-credentials", ".netrc", ".pgpass", ".my.cnf", ".npmrc", ".pypirc", ".vault-token", ".bash_history",
}

// belowEach returns every name below every directory.
func belowEach(directories, names []string) []string {
	var paths []string
	for _, directory := range directories {
		for _, name := range names {
			paths = append(paths, directory+"/"+name)
		}
	}
	return paths
}

// notHomes are the top-level directories of a system, in which nobody lives.
var notHomes = map[string]bool{
	"bin": true, "boot": true, "dev": true, "etc": true, "home": true, "lib": true, "lib32": true,
	"lib64": true, "libx32": true, "proc": true, "run": true, "sbin": true, "sys": true, "tmp": true,
	"usr": true, "var": true,
}
