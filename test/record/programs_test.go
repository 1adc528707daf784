package record

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// program is a program of Debian with its arguments and what its clients do.
type program struct {
	name string
	// args is the command line for a directory of its own and a free port of
	// the loopback device.
	args func(dir string, port int) []string
	// prepare puts into the directory what the program needs; may be nil.
	prepare func(dir string, port int) error
	// use has a server work. A program without it is a tool, which ends by
	// itself.
	use func(ctx context.Context, port int) error
	// check reports whether a tool did what it was to do.
	check func(dir string) error
	// needs is a system call without which it fails.
	needs string
}

// programs are ten: servers and tools, of one process, of several and of
// several threads.
var programs = []program{
	{
		name: "redis-server",
		args: func(dir string, port int) []string {
			return []string{"redis-server", "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--appendonly", "yes"}
		},
		use: func(ctx context.Context, port int) error {
			return talk(ctx, port, [][]string{{"PING", "+PONG"}, {"SET k v", "+OK"}, {"GET k", "$1", "v"}, {"LPUSH l a b c", ":"}, {"BGSAVE", ""}})
		},
		needs: "bind",
	},
	{
		name:    "nginx",
		prepare: files(map[string]string{"nginx.conf": nginxConf, "index.html": "<h1>page</h1>\n"}),
		args: func(dir string, _ int) []string {
			return []string{"nginx", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-g", "daemon off;"}
		},
		use:   getPages,
		needs: "listen",
	},
	{
		name: "memcached",
		args: func(_ string, port int) []string {
			return []string{"memcached", "-u", "root", "-l", "127.0.0.1", "-p", strconv.Itoa(port), "-t", "2"}
		},
		use: func(ctx context.Context, port int) error {
			return talk(ctx, port, [][]string{{"set k 0 0 1\r\nv", "STORED"}, {"get k", "VALUE k 0 1", "v", "END"}, {"delete k", "DELETED"}})
		},
		needs: "listen",
	},
	{
		name:    "lighttpd",
		prepare: files(map[string]string{"lighttpd.conf": lighttpdConf, "index.html": "<h1>page</h1>\n"}),
		args: func(dir string, _ int) []string {
			return []string{"lighttpd", "-D", "-f", filepath.Join(dir, "lighttpd.conf")}
		},
		use:   getPages,
		needs: "bind",
	},
	{
		name: "dnsmasq",
		args: func(_ string, port int) []string {
			return []string{
				"dnsmasq", "-k", "-u", "root", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
				"--listen-address=127.0.0.1", "--pid-file", "--port=" + strconv.Itoa(port), "--address=/example.test/192.0.2.7",
			}
		},
		use:   resolve,
		needs: "bind",
	},
	{
		name: "sqlite3",
		args: func(dir string, _ int) []string {
			return []string{"sqlite3", filepath.Join(dir, "db"), "create table t(a); insert into t values(1),(2),(3); create index i on t(a); vacuum; select sum(a) from t;"}
		},
		check: exists("db"),
		needs: "fdatasync",
	},
	{
		name:    "tar",
		prepare: files(map[string]string{"in/a": "a\n", "in/b": strings.Repeat("b", 1<<16)}),
		args: func(dir string, _ int) []string {
			return []string{"tar", "-czf", filepath.Join(dir, "out.tar.gz"), "-C", dir, "in"}
		},
		check: exists("out.tar.gz"),
		needs: "wait4",
	},
	{
		name:    "xz",
		prepare: files(map[string]string{"data": strings.Repeat("0123456789abcdef", 1<<16)}),
		args: func(dir string, _ int) []string {
			return []string{"xz", "-k", "-1", "-T2", "--block-size=65536", filepath.Join(dir, "data")}
		},
		check: exists("data.xz"),
		needs: "fchown",
	},
	{
		name:    "curl",
		prepare: files(map[string]string{"page": "page\n"}),
		args: func(dir string, _ int) []string {
			return []string{"curl", "-sS", "-o", filepath.Join(dir, "copy"), "file://" + filepath.Join(dir, "page"), "--next", "-sS", "http://127.0.0.1:1/", "--next", "-sS", "-o", filepath.Join(dir, "second"), "file://" + filepath.Join(dir, "page")}
		},
		check: exists("second"),
		needs: "socketpair",
	},
	{
		name: "perl",
		args: func(dir string, _ int) []string {
			return []string{"perl", "-e", perlScript, dir}
		},
		check: exists("renamed"),
		needs: "rename",
	},
}

const nginxConf = `pid nginx.pid;
error_log stderr;
user root;
worker_processes 2;
events { worker_connections 64; }
http {
	access_log access.log;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	server { listen 127.0.0.1:$PORT; root $DIR; }
}
`

const lighttpdConf = `server.bind = "127.0.0.1"
server.port = $PORT
server.document-root = "$DIR"
index-file.names = ("index.html")
`

// perlScript forks, talks over a pipe and a socket, and moves files about.
const perlScript = `use Socket;
my $dir = shift;
pipe(my $r, my $w) or die "pipe: $!";
if (!fork) { print $w "child\n"; exit 0 }
close $w; <$r> eq "child\n" or die "pipe: $!"; wait;
socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or die "socketpair: $!";
syswrite($a, "x") or die "write: $!";
open(my $f, ">", "$dir/made") or die "open: $!"; print $f "text"; close $f;
rename("$dir/made", "$dir/renamed") or die "rename: $!";
opendir(my $d, $dir) or die "opendir: $!"; readdir $d;
select(undef, undef, undef, 0.05);
`

// files returns a Prepare that writes files, with $DIR and $PORT filled in.
func files(contents map[string]string) func(dir string, port int) error {
	return func(dir string, port int) error {
		var errs []error
		for name, text := range contents {
			text = strings.NewReplacer("$DIR", dir, "$PORT", strconv.Itoa(port)).Replace(text)
			path := filepath.Join(dir, name)
			errs = append(errs, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
		}
		return errors.Join(errs...)
	}
}

// exists returns a Check for a file that is not empty.
func exists(name string) func(dir string) error {
	return func(dir string) error {
		info, err := os.Stat(filepath.Join(dir, name))
		if err == nil && info.Size() == 0 {
			err = errors.New(name + " is empty")
		}
		return err
	}
}

// talk speaks with a server in lines. The first of each exchange is sent; the
// server has to answer with lines that begin as the others.
func talk(ctx context.Context, port int, exchanges [][]string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	answers := bufio.NewReader(conn)
	for _, exchange := range exchanges {
		if _, err := io.WriteString(conn, exchange[0]+"\r\n"); err != nil {
			return err
		}
		for _, want := range exchange[1:] {
			answer, err := answers.ReadString('\n')
			if err != nil {
				return fmt.Errorf("%s: %w", exchange[0], err)
			}
			if !strings.HasPrefix(answer, want) {
				return fmt.Errorf("%s: answer %q, want %q", exchange[0], answer, want)
			}
		}
	}
	return nil
}

// getPages gets a page that is there and one that is not.
func getPages(ctx context.Context, port int) error {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{"/": http.StatusOK, "/none": http.StatusNotFound} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != want {
			return fmt.Errorf("get %s: %s, %w", path, res.Status, err)
		}
	}
	return nil
}

// resolve asks a name server for a name that it knows, by UDP and TCP.
func resolve(ctx context.Context, port int) error {
	for _, network := range []string{"udp", "tcp"} {
		resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", port))
		}}
		addresses, err := resolver.LookupHost(ctx, "www.example.test")
		if err != nil {
			return err
		}
		if len(addresses) != 1 || addresses[0] != "192.0.2.7" {
			return fmt.Errorf("www.example.test is %q", addresses)
		}
	}
	return nil
}
