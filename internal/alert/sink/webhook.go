package sink

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"bobwatch/internal/alert"
)

// SignatureHeader carries "sha256=" and the hexadecimal HMAC-SHA256 of the body
// that a webhook sends, if it has a key.
const SignatureHeader = "X-Bobwatch-Signature-256"

// WebhookOptions configures a Webhook.
type WebhookOptions struct {
	URL         string
	HTTP        HTTP
	Encode      alert.Encoder
	ContentType string
	// Bulk sends an array of all that waits, instead of one alert a request.
	Bulk bool
	// KeyFile holds the key of the signature; empty signs nothing.
	KeyFile string
}

// Webhook posts alerts to a URL.
type Webhook struct {
	name   string
	opts   WebhookOptions
	client *client
}

// NewWebhook returns a sink called name.
func NewWebhook(name string, opts WebhookOptions) (*Webhook, error) {
	c, err := newClient(opts.HTTP)
	if err != nil {
		return nil, err
	}
	if opts.KeyFile != "" {
		if _, err := readSecret(opts.KeyFile); err != nil {
			return nil, err
		}
	}
	return &Webhook{name: name, opts: opts, client: c}, nil
}

// Name implements alert.Sink.
func (w *Webhook) Name() string { return w.name }

// Send implements alert.Sink.
func (w *Webhook) Send(ctx context.Context, alerts []alert.Alert) (int, error) {
	if w.opts.Bulk {
		if err := w.post(ctx, alerts); err != nil {
			return 0, err
		}
		return len(alerts), nil
	}
	for i := range alerts {
		if err := w.post(ctx, alerts[i:i+1]); err != nil {
			return i, err
		}
	}
	return len(alerts), nil
}

// post sends alerts in one request.
func (w *Webhook) post(ctx context.Context, alerts []alert.Alert) error {
	body, err := w.body(alerts)
	if err != nil {
		return fmt.Errorf("write alert: %w: %w", alert.ErrRefused, err)
	}
	header := http.Header{"Content-Type": {w.opts.ContentType}}
	if w.opts.KeyFile != "" {
		key, err := readSecret(w.opts.KeyFile)
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, key)
		mac.Write(body)
		header.Set(SignatureHeader, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	return w.client.post(ctx, w.opts.URL, header, body)
}

func (w *Webhook) body(alerts []alert.Alert) ([]byte, error) {
	var b bytes.Buffer
	for i := range alerts {
		if i > 0 {
			b.Truncate(b.Len() - 1) // the newline
			b.WriteByte(',')
		}
		if err := w.opts.Encode(&b, &alerts[i]); err != nil {
			return nil, err
		}
	}
	body := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if w.opts.Bulk {
		return fmt.Appendf(nil, "[%s]", body), nil
	}
	return body, nil
}
