package workload

import (
	"strings"
	"testing"
)

func TestPodOwner(t *testing.T) {
	long := strings.Repeat("d", 50)
	tests := map[string]struct {
		pod    string
		labels map[string]string
		want   Owner
	}{
		"deployment": {
			"web-7d4b9c6f5-x2x9k", map[string]string{"pod-template-hash": "7d4b9c6f5"}, Owner{"Deployment", "web"},
		},
		"deployment with dashes": {
			"web-api-7d4b9c6f5-x2x9k", map[string]string{"pod-template-hash": "7d4b9c6f5"}, Owner{"Deployment", "web-api"},
		},
		"deployment, hash cut short": {
			long + "-7d4b9c6" + "x2x9k", map[string]string{"pod-template-hash": "7d4b9c6f5"}, Owner{"Deployment", long},
		},
		"deployment, own name cut short": {
			strings.Repeat("d", 58) + "x2x9k",
			map[string]string{"pod-template-hash": "7d4b9c6f5"},
			Owner{"ReplicaSet", strings.Repeat("d", 58)},
		},
		"replica set of another name": {
			"blue-x2x9k", map[string]string{"pod-template-hash": "7d4b9c6f5"}, Owner{"ReplicaSet", "blue"},
		},
		"stateful set": {
			"db-10",
			map[string]string{"statefulset.kubernetes.io/pod-name": "db-10", "controller-revision-hash": "db-6f8"},
			Owner{"StatefulSet", "db"},
		},
		"stateful set, 1.28": {
			"db-main-0", map[string]string{"apps.kubernetes.io/pod-index": "0"}, Owner{"StatefulSet", "db-main"},
		},
		"daemon set": {
			"node-agent-x2x9k", map[string]string{"controller-revision-hash": "5b6"}, Owner{"DaemonSet", "node-agent"},
		},
		"job": {
			"migrate-x2x9k", map[string]string{"batch.kubernetes.io/job-name": "migrate"}, Owner{"Job", "migrate"},
		},
		"job, old label": {
			"migrate-x2x9k", map[string]string{"job-name": "migrate"}, Owner{"Job", "migrate"},
		},
		"job with a number": {
			"migrate-42-x2x9k", map[string]string{"job-name": "migrate-42"}, Owner{"Job", "migrate-42"},
		},
		"job, name cut short": {
			strings.Repeat("d", 58) + "x2x9k", map[string]string{"job-name": strings.Repeat("d", 60)}, Owner{"Job", strings.Repeat("d", 60)},
		},
		"cron job": {
			"backup-29384756-x2x9k", map[string]string{"job-name": "backup-29384756"}, Owner{"CronJob", "backup"},
		},
		"bare pod":                       {"debug", nil, Owner{"Pod", "debug"}},
		"bare pod like a generated one":  {"debug-x2x9k", nil, Owner{"Pod", "debug-x2x9k"}},
		"label of a job it is not of":    {"debug", map[string]string{"job-name": "backup"}, Owner{"Pod", "debug"}},
		"label of a daemon set, by hand": {"debug", map[string]string{"controller-revision-hash": "5"}, Owner{"Pod", "debug"}},
		"label of a deployment, by hand": {"debug", map[string]string{"pod-template-hash": "5"}, Owner{"Pod", "debug"}},
		"index without a number":         {"debug-x", map[string]string{"apps.kubernetes.io/pod-index": "0"}, Owner{"Pod", "debug-x"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := podOwner(tt.pod, tt.labels); got != tt.want {
				t.Errorf("podOwner(%q, %v) = %v, want %v", tt.pod, tt.labels, got, tt.want)
			}
		})
	}
}

func TestContainerOwner(t *testing.T) {
	tests := map[string]struct {
		labels map[string]string
		want   string
	}{
		"no labels": {nil, hexID},
		"nerdctl":   {map[string]string{"nerdctl/name": "web"}, "web"},
		"compose":   {map[string]string{"nerdctl/name": "shop-web-1", "com.docker.compose.service": "web"}, "web"},
		"explicit": {
			map[string]string{"nerdctl/name": "shop-web-1", "com.docker.compose.service": "web", "bobwatch/workload": "shop"},
			"shop",
		},
		"empty": {map[string]string{"bobwatch/workload": "", "nerdctl/name": "web"}, "web"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			want := Owner{Kind: "Container", Name: tt.want}
			if got := containerOwner(hexID, tt.labels); got != want {
				t.Errorf("containerOwner(%v) = %v, want %v", tt.labels, got, want)
			}
		})
	}
}

func TestKeyString(t *testing.T) {
	digest := "sha256:" + hexID
	keys := map[string]struct {
		key  Key
		want string
	}{
		"plain": {
			Key{"shop", "Deployment", "web", "php", digest},
			"shop/Deployment/web/php@" + digest,
		},
		"slash in the owner":     {Key{"a", "b", "c/d", "e", ""}, "a/b/c%2Fd/e@"},
		"slash in the container": {Key{"a", "b", "c", "d/e", ""}, "a/b/c/d%2Fe@"},
		"at in the container":    {Key{"a", "b", "c", "d@e", ""}, "a/b/c/d%40e@"},
		"at in the digest":       {Key{"a", "b", "c", "d", "e@"}, "a/b/c/d@e%40"},
		"newline":                {Key{"a", "b", "c\n", "d", ""}, "a/b/c%0A/d@"},
		"empty":                  {Key{}, "///@"},
	}
	for name, tt := range keys {
		t.Run(name, func(t *testing.T) {
			if got := tt.key.String(); got != tt.want {
				t.Errorf("%#v.String() = %q, want %q", tt.key, got, tt.want)
			}
		})
	}
}
