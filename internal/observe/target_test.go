package observe

import (
	"testing"

	"bobwatch/internal/workload"
)

func TestParsePod(t *testing.T) {
	tests := map[string]struct {
		want Pod
		ok   bool
	}{
		"shop/web-0":       {Pod{"shop", "web-0", ""}, true},
		"shop/web-0/proxy": {Pod{"shop", "web-0", "proxy"}, true},
		"shop":             {},
		"shop/":            {},
		"/web-0":           {},
		"shop/web-0/":      {},
		"shop/web-0/a/b":   {},
		"":                 {},
	}
	for text, tt := range tests {
		t.Run(text, func(t *testing.T) {
			got, err := ParsePod(text)
			if got != tt.want || (err == nil) != tt.ok {
				t.Errorf("ParsePod(%q) = %v, %v; want %v", text, got, err, tt.want)
			}
		})
	}
}

func TestParseWorkload(t *testing.T) {
	tests := map[string]struct {
		want Workload
		ok   bool
	}{
		"shop/deploy/web":            {Workload{"shop", "Deployment", "web"}, true},
		"shop/StatefulSet/db":        {Workload{"shop", "StatefulSet", "db"}, true},
		"shop/sts/db":                {Workload{"shop", "StatefulSet", "db"}, true},
		"shop/DS/agent":              {Workload{"shop", "DaemonSet", "agent"}, true},
		"shop/cronjobs/nightly":      {Workload{"shop", "CronJob", "nightly"}, true},
		"moby/Container/with/a/path": {Workload{"moby", "Container", "with/a/path"}, true},
		"shop/web":                   {},
		"shop//web":                  {},
		"/deploy/web":                {},
		"shop/deploy/":               {},
	}
	for text, tt := range tests {
		t.Run(text, func(t *testing.T) {
			got, err := ParseWorkload(text)
			if got != tt.want || (err == nil) != tt.ok {
				t.Errorf("ParseWorkload(%q) = %v, %v; want %v", text, got, err, tt.want)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	web := workload.Container{
		ID: "4b825dc642cb6eb9a060e54bf8d69288fbee4904", Name: "web", Namespace: "shop", Pod: "webapp-x2x7x",
		Owner: workload.Owner{Kind: "Deployment", Name: "webapp"}, CgroupPath: "/kubepods/pod1/4b82",
	}
	sandbox := web
	sandbox.Sandbox = true
	tests := map[string]struct {
		target    Target
		container workload.Container
		want      bool
	}{
		"prefix of the ID":     {Target{Container: "4b82"}, web, true},
		"middle of the ID":     {Target{Container: "825d"}, web, false},
		"name":                 {Target{Container: "web"}, web, true},
		"part of the name":     {Target{Container: "we"}, web, false},
		"pod":                  {Target{Pod: Pod{"shop", "webapp-x2x7x", ""}}, web, true},
		"pod and container":    {Target{Pod: Pod{"shop", "webapp-x2x7x", "web"}}, web, true},
		"another container":    {Target{Pod: Pod{"shop", "webapp-x2x7x", "proxy"}}, web, false},
		"another namespace":    {Target{Pod: Pod{"bank", "webapp-x2x7x", ""}}, web, false},
		"workload":             {Target{Workload: Workload{"shop", "Deployment", "webapp"}}, web, true},
		"another kind":         {Target{Workload: Workload{"shop", "StatefulSet", "webapp"}}, web, false},
		"pause container":      {Target{Workload: Workload{"shop", "Deployment", "webapp"}}, sandbox, false},
		"cgroup":               {Target{Cgroup: "/kubepods/pod1/4b82"}, web, true},
		"cgroup above":         {Target{Cgroup: "/kubepods/pod1"}, web, false},
		"container by its pod": {Target{Container: "webapp-x2x7x"}, web, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.target.matches(&tt.container); got != tt.want {
				t.Errorf("%s matches = %t, want %t", &tt.target, got, tt.want)
			}
		})
	}
}

func TestOwnCgroup(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"unified":  {"0::/user.slice/user-0.slice/session-1.scope\n", "/user.slice/user-0.slice/session-1.scope"},
		"hybrid":   {"9:name=systemd:/a\n1:cpu:/b\n0::/c\n", "/c"},
		"v1 alone": {"9:name=systemd:/a\n", "/"},
		"none":     {"", "/"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := ownCgroup([]byte(tt.text)); got != tt.want {
				t.Errorf("ownCgroup(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}
