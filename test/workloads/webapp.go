package workloads

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"bobwatch/internal/testenv"
)

// pages is how many pages the web application has beside the one that pings.
const pages = 80

// pingPage hands what the client sends to a shell, as the page of the Bill of
// Behavior lab does. It can be injected: that is its purpose here.
const pingPage = `<?php
$ip = $_GET['ip'];
$output = shell_exec("ping -c 1 -W 1 " . $ip);
echo "<pre>$output</pre>";
`

const webappEntrypoint = `#!/bin/sh
set -e
. /etc/apache2/envvars
mkdir -p /run/lock "$APACHE_RUN_DIR" "$APACHE_LOCK_DIR"
rm -f "$APACHE_PID_FILE"
exec apache2 -D FOREGROUND
`

// Webapp is Apache with PHP.
func Webapp(base *testenv.Rootfs) Workload {
	files := []testenv.File{
		{Path: "/entrypoint.sh", Mode: 0o755, Data: []byte(webappEntrypoint)},
		{Path: "/etc/apache2/conf-enabled/name.conf", Mode: 0o644, Data: []byte("ServerName localhost\n")},
		{Path: "/var/www/html/index.html", Mode: 0o644, Data: []byte("<h1>webapp</h1>\n")},
		{Path: "/var/www/html/ping.php", Mode: 0o644, Data: []byte(pingPage)},
	}
	for i := range pages {
		path := fmt.Sprintf("/var/www/html/pages/%d.html", i)
		files = append(files, testenv.File{Path: path, Mode: 0o644, Data: []byte("a page\n")})
	}
	return Workload{
		Name:       "webapp",
		Entrypoint: "/entrypoint.sh",
		Image: testenv.Image{
			Ref: "localhost/webapp:1", Base: base, Files: files, Entrypoint: []string{"/entrypoint.sh"},
		},
		Ready: answers("http://127.0.0.1/"),
		Load:  loadWebapp,
	}
}

// loadWebapp asks for pages and pings addresses that depend on the round.
func loadWebapp(ctx context.Context, k *testenv.Container, round int) error {
	urls := []string{"http://127.0.0.1/", "http://127.0.0.1/ping.php?ip=localhost"}
	for i := range 20 {
		urls = append(urls,
			fmt.Sprintf("http://127.0.0.1/pages/%d.html", (round*20+i)%pages),
			fmt.Sprintf("http://127.0.0.1/ping.php?ip=127.0.%d.%d", round%250, i+1))
	}
	if err := fetch(ctx, k, urls); err != nil {
		return err
	}
	out, err := Ping(ctx, k, "127.0.0.1")
	if err == nil && !strings.Contains(out, "1 received") {
		return fmt.Errorf("ping page of %s does not ping: %q", k.ID, out)
	}
	return err
}

// Ping asks the web application to ping host, which may be more than a host,
// and returns the page.
func Ping(ctx context.Context, k *testenv.Container, host string) (string, error) {
	client := &http.Client{Transport: k.Client().Transport}
	defer client.CloseIdleConnections()
	return get(ctx, client, "http://127.0.0.1/ping.php?ip="+url.QueryEscape(host))
}
