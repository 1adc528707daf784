package workloads

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"bobwatch/internal/testenv"
)

// Redis is redis-server under redis-benchmark, saving its data in between.
func Redis(base *testenv.Rootfs) Workload {
	return Workload{
		Name:       "redis",
		Entrypoint: "/usr/bin/redis-server",
		Image: testenv.Image{
			Ref:        "localhost/redis:1",
			Base:       base,
			Files:      []testenv.File{{Path: "/data/.keep", Mode: 0o644}},
			Entrypoint: []string{"/usr/bin/redis-server", "--dir", "/data", "--save", ""},
		},
		Ready: func(ctx context.Context, k *testenv.Container) error {
			return redisCommand(ctx, k, "PING", "+PONG")
		},
		Load: func(ctx context.Context, k *testenv.Container, _ int) error {
			cmd := k.NetworkCommand(ctx, "redis-benchmark", "-q", "-n", "5000", "-c", "20", "-r", "1000",
				"-t", "ping,set,get,incr,lpush,lpop,sadd,hset,spop,zadd,lrange_100,mset")
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("redis-benchmark: %w: %s", err, out)
			}
			if err := redisCommand(ctx, k, "BGSAVE", "+Background"); err != nil {
				return err
			}
			return pause(ctx, 500*time.Millisecond) // the child writes
		},
	}
}

// redisCommand sends one inline command and wants an answer that starts so.
func redisCommand(ctx context.Context, k *testenv.Container, command, want string) error {
	out, err := k.NetworkCommand(ctx, "bash", "-c",
		"exec 3<>/dev/tcp/127.0.0.1/6379 && echo "+command+" >&3 && head -n 1 <&3").Output()
	if err != nil {
		return fmt.Errorf("redis %s: %w", command, err)
	}
	if len(out) < len(want) || string(out[:len(want)]) != want {
		return fmt.Errorf("redis %s: answer %q, want %q", command, out, want)
	}
	return nil
}

// Nginx is nginx, told to reload in the middle of its load.
func Nginx(base *testenv.Rootfs) Workload {
	const page = "http://127.0.0.1/"
	return Workload{
		Name:       "nginx",
		Entrypoint: "/usr/sbin/nginx",
		Image: testenv.Image{
			Ref:        "localhost/nginx:1",
			Base:       base,
			Files:      []testenv.File{{Path: "/var/www/html/index.html", Mode: 0o644, Data: []byte("<h1>nginx</h1>\n")}},
			Entrypoint: []string{"/usr/sbin/nginx", "-g", "daemon off;"},
		},
		Ready: answers(page),
		Load: func(ctx context.Context, k *testenv.Container, _ int) error {
			if err := repeat(ctx, k, page, 200); err != nil {
				return err
			}
			if err := syscall.Kill(k.PID, syscall.SIGHUP); err != nil {
				return fmt.Errorf("reload nginx: %w", err)
			}
			return errors.Join(pause(ctx, time.Second), repeat(ctx, k, page, 200))
		},
	}
}

// GoServer is the program in goserver, alone in its image.
func GoServer(program []byte) Workload {
	const base = "http://127.0.0.1:8080"
	return Workload{
		Name:       "goserver",
		Entrypoint: "/goserver",
		Image: testenv.Image{
			Ref: "localhost/goserver:1",
			Files: []testenv.File{
				{Path: "/goserver", Mode: 0o755, Data: program},
				{Path: "/srv/data.txt", Mode: 0o644, Data: []byte("data\n")},
			},
			Entrypoint: []string{"/goserver"},
		},
		Ready: answers(base + "/"),
		Load: func(ctx context.Context, k *testenv.Container, round int) error {
			for i := range 20 {
				urls := []string{fmt.Sprintf("%s/%d/%d", base, round, i), base + "/file", base + "/work"}
				if err := fetch(ctx, k, urls); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

const forkingScript = `#!/bin/sh
trap 'exit 0' TERM
mkdir -p /tmp/jobs
while :; do
	for name in a b c; do
		date >/tmp/jobs/$name
		cat /tmp/jobs/$name | tr a-z A-Z | sort >/tmp/jobs/$name.sorted
	done
	(sleep 0.05 & wait)
	ls /tmp/jobs | wc -l >/tmp/jobs/count
	rm -f /tmp/jobs/*.sorted
done
`

// Script is a shell script that forks all the time.
func Script(base *testenv.Rootfs) Workload {
	return Workload{
		Name:       "script",
		Entrypoint: "/run.sh",
		Image: testenv.Image{
			Ref:        "localhost/script:1",
			Base:       base,
			Files:      []testenv.File{{Path: "/run.sh", Mode: 0o755, Data: []byte(forkingScript)}},
			Entrypoint: []string{"/run.sh"},
		},
		Ready: func(context.Context, *testenv.Container) error { return nil },
		Load: func(ctx context.Context, k *testenv.Container, _ int) error {
			if !k.Running() {
				return fmt.Errorf("%s has ended", k.ID)
			}
			return pause(ctx, 2*time.Second)
		},
	}
}

// repeat gets a page n times, with a new connection now and then.
func repeat(ctx context.Context, k *testenv.Container, url string, n int) error {
	for range n / 20 {
		urls := make([]string, 20)
		for i := range urls {
			urls[i] = url
		}
		if err := fetch(ctx, k, urls); err != nil {
			return err
		}
	}
	return nil
}
