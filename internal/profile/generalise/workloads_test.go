package generalise

import (
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
)

// What a workload does in one run, what it does in another and must not be
// reported, and what must.
func TestLearnedWorkloads(t *testing.T) {
	const (
		account    = "/run/secrets/kubernetes.io/serviceaccount/"
		eks        = "/var/run/secrets/eks.amazonaws.com/serviceaccount/"
		monday     = "..2025_11_17_10_00_00.1234567890/"
		tuesday    = "..2025_11_18_11_01_01.17/"
		podVolumes = "/var/lib/kubelet/pods/0b9c2a7e-7f1d-4a58-9d6c-0d8c3c1a2b3c/volumes/"
		newVolumes = "/var/lib/kubelet/pods/aaaaaaaa-7f1d-4a58-9d6c-0d8c3c1a2b3c/volumes/"
	)
	tests := map[string]struct{ learned, silent, loud []string }{
		"token rotation": {
			learned: []string{account + monday + "token"},
			silent:  []string{account + monday + "token", account + tuesday + "token"},
			loud: []string{
				account + tuesday + "ca.crt", account + "token", "/run/secrets/kubernetes.io/other/" + tuesday + "token",
				"/run/secrets/token", "/run/secrets/db/" + tuesday + "token", account + monday + "x/token",
			},
		},
		"service account": {
			learned: []string{account + monday + "token", account + monday + "ca.crt", account + monday + "namespace"},
			silent:  []string{account + tuesday + "token", account + tuesday + "ca.crt", account + tuesday + "namespace"},
			loud:    []string{account + tuesday + "other", account + "token"},
		},
		"token of a cloud": {
			learned: []string{eks + monday + "token"},
			silent:  []string{eks + tuesday + "token"},
			loud:    []string{"/var/run/secrets/kubernetes.io/serviceaccount/" + tuesday + "token"},
		},
		"token of a mount of one's own": {
			learned: []string{"/run/secrets/tokens/" + monday + "token"},
			silent:  []string{"/run/secrets/tokens/" + tuesday + "token"},
			loud:    []string{"/run/secrets/tokens/token", account + tuesday + "token"},
		},
		"config maps": {
			learned: []string{"/etc/app/" + monday + "app.conf", "/config/" + monday + "a", "/root/.ssh/" + monday + "id_rsa"},
			silent:  []string{"/etc/app/" + tuesday + "app.conf", "/config/" + tuesday + "a", "/root/.ssh/" + tuesday + "id_rsa"},
			loud:    []string{"/etc/app/" + tuesday + "other.conf", "/root/.ssh/id_rsa", "/root/.ssh/" + tuesday + "id_dsa"},
		},
		"postgres": {
			learned: []string{"/var/lib/postgresql/data/global/pg_internal.init.73", "/var/lib/postgresql/data/pg_wal/xlogtemp.73", "/var/lib/postgresql/data/base/1/1259", "/var/lib/postgresql/data/base/5/1259"},
			silent:  []string{"/var/lib/postgresql/data/global/pg_internal.init.9", "/var/lib/postgresql/data/pg_wal/xlogtemp.1", "/var/lib/postgresql/data/base/4/1259"},
			loud:    []string{"/var/lib/postgresql/data/pg_hba.conf", "/var/lib/postgresql/.ssh/id_rsa"},
		},
		"mysql": {
			learned: []string{"/var/lib/mysql/#innodb_redo/#ib_redo12", "/var/lib/mysql/shop/#sql-1_9.ibd"},
			silent:  []string{"/var/lib/mysql/#innodb_redo/#ib_redo3_tmp", "/var/lib/mysql/shop/#sql-7_a.ibd"},
			loud:    []string{"/var/lib/mysql/mysql.ibd", "/var/lib/mysql/other/t.ibd"},
		},
		"redis": {
			learned: []string{"/data/temp-rewriteaof-bg-73.aof", "/data/appendonlydir/appendonly.aof.2.incr.aof"},
			silent:  []string{"/data/temp-rewriteaof-bg-9.aof", "/data/appendonlydir/appendonly.aof.3.base.rdb"},
			loud:    []string{"/data/x/y", "/root/.ssh/authorized_keys"},
		},
		"rabbitmq": {
			learned: []string{"/var/lib/rabbitmq/mnesia/q/msg_store/12.rdq"},
			silent:  []string{"/var/lib/rabbitmq/mnesia/q/msg_store/3.rdq"},
			loud:    []string{"/var/lib/rabbitmq/mnesia/q/x/3.rdq"},
		},
		"nginx": {
			learned: []string{"/var/cache/nginx/proxy_temp/1/00/0000000001", "/var/cache/nginx/cache/c/29/b7f54b2df7773722d382f4809d65029c"},
			silent:  []string{"/var/cache/nginx/proxy_temp/2/01/0000000012", "/var/cache/nginx/cache/1/ab/07f54b2df7773722d382f4809d65029f"},
			loud:    []string{"/var/cache/nginx/other/1", "/etc/nginx/nginx.conf"},
		},
		"php-fpm": {
			learned: []string{"/tmp/.ZendSem.abcdef", "/tmp/phpABCDEF", "/var/lib/php/sessions/sess_k2j8mlh7cq0vte8r3aqcqbs8vd"},
			silent:  []string{"/tmp/.ZendSem.qrstuv", "/tmp/phpuvwxyz", "/var/lib/php/sessions/sess_zzzzmlh7cq0vte8r3aqcqbs8vd"},
			loud:    []string{"/tmp/a/b", "/var/lib/php/x"},
		},
		"java": {
			learned: []string{"/tmp/hsperfdata_app/7", "/sys/devices/system/cpu/cpu0/topology/core_id", "/sys/devices/system/node/node0/cpumap"},
			silent:  []string{"/tmp/hsperfdata_app/31", "/sys/devices/system/cpu/cpu7/topology/core_id", "/sys/devices/system/node/node1/cpumap"},
			loud:    []string{"/sys/devices/system/cpu/vulnerabilities", "/sys/kernel/uevent_helper"},
		},
		"node": {
			learned: []string{"/tmp/tmp.abcdefghij", "/root/.npm/_logs/2025-11-21T10_00_00_000Z-debug-0.log", "/proc/18/fd/20"},
			silent:  []string{"/tmp/tmp.qrstuvwxyz", "/root/.npm/_logs/2025-12-01T11_00_00_000Z-debug-0.log", "/proc/7/fd/3"},
			loud:    []string{"/root/.npmrc", "/proc/7/environ"},
		},
		"cron": {
			learned: []string{"/tmp/tmpabcdefgh", "/run/crond.pid", "/proc/12/stat"},
			silent:  []string{"/tmp/tmpqrstuvwx", "/proc/9/stat"},
			loud:    []string{"/var/spool/cron/crontabs/root", "/etc/cron.d/x"},
		},
		"rotated logs": {
			learned: []string{"/var/log/app.log.3", "/srv/app/log/app.log.2.gz"},
			silent:  []string{"/var/log/app.log.4", "/srv/app/log/app.log.1"},
			loud:    []string{"/var/log/app/x", "/srv/app/x"},
		},
		"segments": {
			learned: []string{"/data/queue/seg-1.idx", "/data/queue/seg-2.idx"},
			silent:  []string{"/data/queue/seg-3.idx"},
			loud:    []string{"/data/seg-1.idx"},
		},
		"volumes of other pods": {
			learned: []string{podVolumes + "kubernetes.io~empty-dir/data/f", podVolumes + "kubernetes.io~csi/pvc/mount/f"},
			silent:  []string{newVolumes + "kubernetes.io~empty-dir/data/f", newVolumes + "kubernetes.io~csi/pvc/mount/f"},
			loud:    []string{newVolumes + "kubernetes.io~secret/data/f", newVolumes + "kubernetes.io~projected/data/f", "/var/lib/kubelet/pki/f"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := match.Compile([]profile.Container{Container(profile.Container{Opens: reading(tt.learned...)}, DefaultThresholds())}, match.Options{Arch: "amd64"})
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range tt.silent {
				if got := allows(m, path, event.AccessRead); got != match.Allowed {
					t.Errorf("%s: %v, want it to be silent", path, got)
				}
			}
			for _, path := range tt.loud {
				if got := allows(m, path, event.AccessRead); got == match.Allowed {
					t.Errorf("%s: allowed, want it to be loud", path)
				}
			}
		})
	}
}
