package silence

import (
	"context"
	"fmt"
	"os"

	"bobwatch/internal/testenv"
)

// packages are the services, and the clients that their load is made with. One
// file system holds them all: each service runs in a container of its own.
var packages = []string{
	"apache2", "libapache2-mod-php", "beanstalkd", "bind9", "bind9-dnsutils", "ca-certificates",
	"curl", "dnsmasq-base", "docker-registry", "etcd-client", "etcd-server",
	"exim4-daemon-light", "gearman-job-server", "gearman-tools", "git", "gunicorn", "haproxy",
	"influxdb", "ldap-utils", "libfcgi-bin", "lighttpd",
	"logrotate", "mariadb-client", "mariadb-server", "memcached", "mosquitto",
	"mosquitto-clients", "netcat-openbsd", "ngircd", "nginx-light", "nodejs", "nsd",
	"openssh-client", "openssh-server", "php-fpm", "postgresql", "privoxy", "procps",
	"prometheus", "prometheus-alertmanager", "prometheus-node-exporter", "puma",
	"python3-flask", "redis-server", "redis-tools", "rsync", "rsyslog", "ruby-webrick",
	"slapd", "sqlite3", "squid", "starman", "supervisor", "tinyproxy", "tomcat10",
	"tzdata", "unbound", "uwsgi-core", "uwsgi-plugin-python3", "vsftpd",
}

// javaNeeds makes a directory that Debian's Java links into, although the image
// has no manual pages.
const javaNeeds = `--essential-hook=mkdir -p "$1/usr/share/man/man1"`

// markers is how many programs there are whose execution ends a phase: an act
// that nothing allows, so that all alerts before it have arrived.
const markers = 8

func marker(n int) string { return fmt.Sprintf("/usr/bin/silence-marker-%d", n) }

// image returns the image of a service, whose files are laid over the common
// file system.
func image(ctx context.Context, s *service) (testenv.Image, error) {
	base, err := testenv.DebianWith(ctx, packages, javaNeeds)
	if err != nil {
		return testenv.Image{}, err
	}
	program, err := os.ReadFile("/usr/bin/true")
	if err != nil {
		return testenv.Image{}, err
	}
	img := testenv.Image{Ref: "localhost/silence-" + s.name + ":1", Base: base, Entrypoint: []string{"/entrypoint.sh"}}
	for n := range markers {
		img.Files = append(img.Files, testenv.File{Path: marker(n), Mode: 0o755, Data: program})
	}
	img.Files = append(img.Files, s.files...)
	return img, nil
}
