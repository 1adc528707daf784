// Package sink brings alerts to other systems: Alertmanager, webhooks, syslog.
//
// Its invariants: text that a container chose stays inside its field, in every
// format; and an alert counts as delivered only after the other side has accepted
// it, as far as the protocol can say.
package sink

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"bobwatch/internal/alert"
)

// timeout bounds one request, or one connection attempt.
const timeout = 10 * time.Second

// TLS names the trusted authorities and our certificate. Empty fields mean the system's
// authorities, no certificate, and the name in the address.
type TLS struct {
	CAFile     string
	CertFile   string
	KeyFile    string
	ServerName string
}

// config reads the authorities. It reads the certificate again for each connection,
// so that the certificate can be renewed while the agent runs.
func (t TLS) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read authorities: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read authorities: %s holds no certificate", t.CAFile)
		}
	}
	if t.CertFile == "" {
		return c, nil
	}
	load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		return &cert, nil
	}
	if _, err := load(nil); err != nil {
		return nil, err
	}
	c.GetClientCertificate = load
	return c, nil
}

// Credentials are the credentials for an HTTP server. The files are read for each
// request, so that they can be replaced while the agent runs.
type Credentials struct {
	Username        string
	PasswordFile    string
	BearerTokenFile string
}

func (c Credentials) add(r *http.Request) error {
	if c.Username != "" {
		password, err := readSecret(c.PasswordFile)
		if err != nil {
			return err
		}
		r.SetBasicAuth(c.Username, string(password))
	}
	if c.BearerTokenFile != "" {
		token, err := readSecret(c.BearerTokenFile)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+string(token))
	}
	return nil
}

// readSecret reads a file, without the newline that editors leave at its end.
func readSecret(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	secret := bytes.TrimRight(raw, "\r\n")
	if len(secret) == 0 {
		return nil, fmt.Errorf("read secret: %s is empty", path)
	}
	return secret, nil
}

// HTTP says how to reach an HTTP server.
type HTTP struct {
	TLS         TLS
	Credentials Credentials
}

// client posts to HTTP servers.
type client struct {
	http        *http.Client
	credentials Credentials
}

func newClient(h HTTP) (*client, error) {
	config, err := h.TLS.config()
	if err != nil {
		return nil, err
	}
	return &client{
		credentials: h.Credentials,
		http: &http.Client{
			Timeout: timeout,
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         (&net.Dialer{Timeout: timeout}).DialContext,
				TLSClientConfig:     config,
				TLSHandshakeTimeout: timeout,
				IdleConnTimeout:     time.Minute,
				ForceAttemptHTTP2:   true,
			},
			// Credentials and alerts are for the configured address only.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// maxAnswer bounds the part of a server's answer that an error shows.
const maxAnswer = 300

// post sends body to url. The error wraps alert.ErrRefused if the server refuses this
// body from any sender.
func (c *client) post(ctx context.Context, url string, header http.Header, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post alerts: %w", err)
	}
	maps.Copy(r.Header, header)
	r.Header.Set("User-Agent", "bobwatch")
	if err := c.credentials.add(r); err != nil {
		return fmt.Errorf("post alerts: %w", err)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("post alerts: %w", err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // says more, if it comes
	if answer.StatusCode/100 == 2 {
		return nil
	}
	err = errors.New(answer.Status + ": " + alert.Printable(strings.TrimSpace(string(text)), maxAnswer))
	switch answer.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity:
		err = fmt.Errorf("%w: %w", alert.ErrRefused, err)
	}
	return fmt.Errorf("post alerts to %s: %w", r.URL.Redacted(), err)
}
