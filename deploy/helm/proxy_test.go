package helm

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"bobwatch/test/cluster"
)

// serviceAccountKubeconfig returns the kubeconfig of who acts as the chart's
// service account, through a proxy that records what is asked.
func serviceAccountKubeconfig(t *testing.T, plane *cluster.ControlPlane, seen *record) string {
	t.Helper()
	return proxied(t, plane, func(p *httputil.ReverseProxy) {
		rewrite := p.Rewrite
		p.Rewrite = func(r *httputil.ProxyRequest) {
			rewrite(r)
			r.Out.Header.Set("Impersonate-User", "system:serviceaccount:"+chart+":"+chart)
		}
		p.ModifyResponse = func(r *http.Response) error {
			seen.add(r.Request, r.StatusCode)
			return nil
		}
	})
}

// proxied returns the kubeconfig of an administrator that goes through a proxy.
func proxied(t *testing.T, plane *cluster.ControlPlane, change func(*httputil.ReverseProxy)) string {
	t.Helper()
	config, err := plane.Config()
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport:     transport,
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		FlushInterval: -1, // what is watched comes at once
	}
	change(proxy)
	server := httptest.NewServer(proxy)
	t.Cleanup(server.CloseClientConnections)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	err = clientcmd.WriteToFile(api.Config{
		Clusters:       map[string]*api.Cluster{"c": {Server: server.URL}},
		Contexts:       map[string]*api.Context{"c": {Cluster: "c"}},
		CurrentContext: "c",
	}, path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// serverOfVersion returns the kubeconfig of an API server that calls itself by
// another version: the test's, behind a proxy.
func serverOfVersion(t *testing.T, plane *cluster.ControlPlane, version string) string {
	t.Helper()
	return proxied(t, plane, func(p *httputil.ReverseProxy) {
		p.ModifyResponse = func(r *http.Response) error {
			if r.Request.URL.Path != "/version" {
				return nil
			}
			var info map[string]any
			if err := json.NewDecoder(r.Body).Decode(&info); err != nil {
				return err
			}
			info["gitVersion"] = version
			text, err := json.Marshal(info)
			r.Body = io.NopCloser(bytes.NewReader(text))
			r.Header.Del("Content-Length")
			r.ContentLength = int64(len(text))
			return err
		}
	})
}

// record is what was asked of the API server, and what it denied. A right is
// "verb resource.group".
type record struct {
	mu     sync.Mutex
	rights map[string]bool // whether it was denied
}

func (r *record) add(request *http.Request, status int) {
	right := rightOf(request)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rights[right] = r.rights[right] || status == http.StatusForbidden
}

func (r *record) sorted() (used, denied []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for right, isDenied := range r.rights {
		used = append(used, right)
		if isDenied {
			denied = append(denied, right)
		}
	}
	slices.Sort(used)
	return used, denied
}

// rightOf names what a request needs, as the API server understands it.
func rightOf(r *http.Request) string {
	// /api/v1/RESOURCE, /api/v1/namespaces/NAMESPACE/RESOURCE[/NAME], and the
	// same below /apis/GROUP/VERSION
	group, path := "", strings.TrimPrefix(r.URL.Path, "/api/v1/")
	if rest, ok := strings.CutPrefix(r.URL.Path, "/apis/"); ok {
		parts := strings.SplitN(rest, "/", 3)
		group, path = "."+parts[0], parts[2]
	}
	parts := strings.Split(path, "/")
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	verb := map[string]string{
		http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete",
	}[r.Method]
	switch {
	case verb != "":
	case r.URL.Query().Get("watch") != "":
		verb = "watch"
	case len(parts) == 1:
		verb = "list"
	default:
		verb = "get"
	}
	return verb + " " + parts[0] + group
}
