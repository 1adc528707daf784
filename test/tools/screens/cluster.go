package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"bobwatch/internal/testenv"
	"bobwatch/test/cluster"
	"bobwatch/test/workloads"
)

// clusterScenes need the cluster of `make cluster-up`.
var clusterScenes = []scene{
	{"status", 40, status},
	{"alerts", 60, incidents},
}

// shop is the ping page again, as a Deployment that is learned for a while.
const shop = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: webapp, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: webapp}}
  template:
    metadata:
      labels: {app: webapp}
      annotations: {bobwatch/window: 15s}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: web
        image: localhost/webapp:1
        readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
`

// status shows an agent that has learned a workload.
func status(ctx context.Context, s *stage) ([]string, error) {
	base, err := testenv.Debian(ctx)
	if err != nil {
		return nil, err
	}
	if err := cluster.ByHand.Load(ctx, workloads.Webapp(base).Image); err != nil {
		return nil, err
	}
	helm, err := output(ctx, "", "sh", "test/tools/helm.sh")
	if err != nil {
		return nil, err
	}
	for _, step := range [][]string{
		{
			strings.TrimSpace(helm), "upgrade", "--install", "bobwatch", "deploy/helm/bobwatch", "--namespace", "bobwatch", "--create-namespace",
			"--set", "image.repository=localhost/bobwatch,image.tag=test", "--wait", "--timeout", "120s",
		},
		{"kubectl", "apply", "-f", "-"},
		{"kubectl", "--namespace", "shop", "rollout", "status", "deployment/webapp", "--timeout", "120s"},
	} {
		if _, err := output(ctx, shop, step[0], step[1:]...); err != nil {
			return nil, err
		}
	}
	for end := time.Now().Add(25 * time.Second); time.Now().Before(end); {
		if err := visitPods(ctx, fmt.Sprintf("127.0.%d.%d", end.Second(), time.Now().Second())); err != nil {
			return nil, err
		}
	}
	return lines("bobctl status")(ctx, s)
}

// incidents shows what an attack looks like.
func incidents(ctx context.Context, s *stage) ([]string, error) {
	for range 2 {
		if err := visitPods(ctx, "127.0.0.1;cat /etc/shadow"); err != nil {
			return nil, err
		}
		time.Sleep(3 * time.Second)
	}
	return lines("bobctl alerts --severity medium")(ctx, s)
}

// visitPods asks every replica to ping a host.
func visitPods(ctx context.Context, host string) error {
	addresses, err := output(ctx, "", "kubectl", "--namespace", "shop", "get", "pods", "-o", "jsonpath={.items[*].status.podIP}")
	if err != nil {
		return err
	}
	for address := range strings.FieldsSeq(addresses) {
		for _, path := range []string{"/", "/pages/7.html", "/ping.php?ip=" + url.QueryEscape(host)} {
			if err := visit(ctx, address, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// output runs a program and returns what it writes.
func output(ctx context.Context, input, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, errs.Bytes())
	}
	return string(out), nil
}

// inCluster reports whether the caller's environment names a cluster.
func inCluster() bool { return os.Getenv("KUBECONFIG") != "" }
