package sink

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/alert"
)

// receiver records what is posted to it, and answers with status.
type receiver struct {
	*httptest.Server
	status  int
	headers []http.Header
	bodies  []string
}

func newReceiver(t *testing.T, status int) *receiver {
	r := &receiver{status: status}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		r.headers, r.bodies = append(r.headers, request.Header), append(r.bodies, string(body))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(r.status)
		_, _ = w.Write([]byte("no\x1b[31m"))
	}))
	t.Cleanup(r.Close)
	return r
}

func secretFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func webhook(t *testing.T, opts WebhookOptions) *Webhook {
	t.Helper()
	if opts.Encode == nil {
		opts.Encode = alert.JSON
	}
	w, err := NewWebhook("hook", opts)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWebhookSignsAndAuthenticates(t *testing.T) {
	r := newReceiver(t, http.StatusNoContent)
	w := webhook(t, WebhookOptions{
		URL: r.URL, ContentType: "application/json", KeyFile: secretFile(t, "key\n"),
		HTTP: HTTP{Credentials: Credentials{BearerTokenFile: secretFile(t, "token\n")}},
	})
	if n, err := w.Send(t.Context(), samples()[:1]); n != 1 || err != nil {
		t.Fatalf("Send = %d, %v", n, err)
	}
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte(r.bodies[0]))
	want := map[string]string{
		SignatureHeader: "sha256=" + hex.EncodeToString(mac.Sum(nil)),
		"Authorization": "Bearer token", "Content-Type": "application/json", "User-Agent": "bobwatch",
	}
	for name, value := range want {
		if got := r.headers[0].Get(name); got != value {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
	}
}

func TestWebhookBulk(t *testing.T) {
	for _, bulk := range []bool{false, true} {
		r := newReceiver(t, http.StatusOK)
		w := webhook(t, WebhookOptions{URL: r.URL, Bulk: bulk})
		if n, err := w.Send(t.Context(), samples()[:3]); n != 3 || err != nil {
			t.Fatalf("Send = %d, %v", n, err)
		}
		var got []string
		for _, body := range r.bodies {
			var list []alert.Alert
			if !bulk {
				body = "[" + body + "]"
			}
			if err := json.Unmarshal([]byte(body), &list); err != nil {
				t.Fatalf("%q: %v", body, err)
			}
			for _, a := range list {
				got = append(got, a.Rule.String())
			}
		}
		want := map[bool]int{false: 3, true: 1}[bulk]
		if diff := cmp.Diff([]string{"R0001", "R0002", "R0003"}, got); diff != "" || len(r.bodies) != want {
			t.Errorf("bulk %t: %d requests, want %d (-want +got):\n%s", bulk, len(r.bodies), want, diff)
		}
	}
}

func TestWebhookTellsWhatIsRefused(t *testing.T) {
	tests := map[string]struct {
		status  int
		refused bool
	}{
		"bad request":   {http.StatusBadRequest, true},
		"too large":     {http.StatusRequestEntityTooLarge, true},
		"unauthorised":  {http.StatusUnauthorized, false}, // somebody will repair it
		"not found":     {http.StatusNotFound, false},
		"too many":      {http.StatusTooManyRequests, false},
		"out of order":  {http.StatusInternalServerError, false},
		"gone to other": {http.StatusTemporaryRedirect, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, tt.status)
			n, err := webhook(t, WebhookOptions{URL: r.URL}).Send(t.Context(), samples()[:2])
			if n != 0 || err == nil || errors.Is(err, alert.ErrRefused) != tt.refused {
				t.Errorf("Send = %d, %v, want 0 and refused %t", n, err, tt.refused)
			}
			if len(r.bodies) != 1 {
				t.Errorf("requests: got %d, want 1, and no redirect followed", len(r.bodies))
			}
			if strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("the answer steers the terminal: %q", err)
			}
		})
	}
}

func TestWebhookEndsWithItsContext(t *testing.T) {
	block := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-block }))
	defer server.Close()
	defer close(block)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := webhook(t, WebhookOptions{URL: server.URL}).Send(ctx, samples()[:1]); !errors.Is(err, context.Canceled) {
		t.Errorf("Send: got %v, want context canceled", err)
	}
}

func TestSecretsAreChecked(t *testing.T) {
	if _, err := NewWebhook("hook", WebhookOptions{KeyFile: secretFile(t, "\n")}); err == nil {
		t.Error("empty key: got no error")
	}
	if _, err := NewWebhook("hook", WebhookOptions{HTTP: HTTP{TLS: TLS{CAFile: secretFile(t, "no PEM")}}}); err == nil {
		t.Error("authorities without certificates: got no error")
	}
}
