package profile

import (
	"slices"

	"bobwatch/internal/severity"
)

// Sensitive grades the file at path: whether it holds secrets, decides who may
// do what, or leads out of the container. It does not allocate.
func Sensitive(path []byte) (severity.Severity, bool) {
	worst, found := severity.Low, false
	for i := range places {
		p := &places[i]
		if (!found || p.grade > worst) && p.matches(path) {
			worst, found = p.grade, true
		}
	}
	return worst, found
}

// widensOverPlace reports whether the pattern with these segments, those of
// splitPath, matches a sensitive place by means of a wildcard of its own. No
// generalised path may.
func widensOverPlace(segments []string) bool {
	segments = segments[1:]
	for i := range places {
		if p := &places[i]; p.guarded && p.widenedBy(segments) {
			return true
		}
	}
	return false
}

// places are the sensitive places, graded by what an intruder gains there.
var places = slices.Concat(
	compilePlaces(severity.Critical, true,
		"/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/security/opasswd",
		"/etc/sudoers", "/etc/sudoers.d/+",
		"/etc/ssh/ssh_host_*_key",
		"/etc/kubernetes/**", "/var/lib/kubelet/**", "/var/lib/etcd/**",
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
		"/run/secrets/**/token", "/var/run/secrets/**/token",
		"/run/secrets/+", "/var/run/secrets/+",
		"/run/secrets/azure/tokens/+", "/var/run/secrets/azure/tokens/+",
		"/proc/⋯/environ", "/proc/⋯/task/⋯/environ", "/proc/kallsyms", "/proc/keys",
		"/root/.ssh/+", "/home/+/.ssh/+",
		"/etc/ssl/private/+", "/etc/krb5.keytab", "/etc/ld.so.preload",
		"/var/spool/cron/**",
	),
	compilePlaces(severity.High, true, homeKeys()...),
	compilePlaces(severity.Medium, true,
		"/etc/passwd", "/etc/passwd-", "/etc/group", "/etc/group-", "/etc/ssh/+",
		"/etc/crontab", "/etc/cron.*/+", "/etc/pam.d/+",
		"/run/secrets/**/ca.crt", "/var/run/secrets/**/ca.crt",
		"/run/secrets/**/namespace", "/var/run/secrets/**/namespace",
		"/proc/⋯/maps", "/proc/⋯/smaps", "/proc/⋯/map_files/⋯", "/proc/⋯/task/⋯/maps",
	),
	// Graded only. Were these kept from generalisation, two neighbouring
	// wildcards could not stand anywhere.
	compilePlaces(severity.High, false, "/**/.ssh/+", "/**/.aws/credentials", "/**/.kube/config"),
)

// homeKeys lists the keys people and services leave in their homes.
func homeKeys() []string {
	homes := []string{"/root", "/home/+", "/~", "/opt/+", "/srv/+", "/var/lib/+", "/var/www"}
	keys := []string{
		".ssh/id_*", ".ssh/authorized_keys*", ".ssh/config", ".ssh/known_hosts", ".ssh/identity",
		".aws/credentials", ".aws/config", ".azure/**", ".config/gcloud/**", ".kube/config",
		".docker/config.json", ".gnupg/+", ".git-credentials", ".netrc", ".pgpass", ".my.cnf",
		".npmrc", ".pypirc", ".vault-token", ".bash_history",
	}
	var all []string
	for _, home := range homes {
		for _, key := range keys {
			all = append(all, home+"/"+key)
		}
	}
	return all
}

// notHomes are the top-level directories of a system, in which nobody lives.
var notHomes = map[string]bool{
	"bin": true, "boot": true, "dev": true, "etc": true, "home": true, "lib": true, "lib32": true,
	"lib64": true, "libx32": true, "proc": true, "run": true, "sbin": true, "sys": true, "tmp": true,
	"usr": true, "var": true,
}
