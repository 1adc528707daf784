package sink

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
)

// SyslogOptions configures a Syslog.
type SyslogOptions struct {
	// Address is udp://HOST:PORT (RFC 5426), tcp://HOST:PORT with octet
	// counting (RFC 6587), or tls://HOST:PORT (RFC 5425).
	Address string
	TLS     TLS
	// Facility is one of 0 to 23; see Facility.
	Facility int
	Hostname string
	Encode   alert.Encoder
}

// maxMessage bounds a message, in bytes. Receivers need not take more than
// 2 KiB; rsyslog takes 8 KiB unless told otherwise, and cuts the rest off.
const maxMessage = 8192

// Syslog sends alerts as RFC 5424 messages.
//
// The protocol does not confirm messages. Send notices a connection that the receiver has
// closed before it writes the next message, but not messages that the receiver lost
// before it closed.
type Syslog struct {
	name    string
	opts    SyslogOptions
	network string
	address string
	tls     *tls.Config
	conn    net.Conn
	closed  chan struct{} // closed when the receiver ended conn
}

// NewSyslog returns a sink called name. It connects when it first sends.
func NewSyslog(name string, opts SyslogOptions) (*Syslog, error) {
	address, err := url.Parse(opts.Address)
	if err != nil {
		return nil, fmt.Errorf("parse syslog address: %w", err)
	}
	s := &Syslog{name: name, opts: opts, network: address.Scheme, address: address.Host}
	switch address.Scheme {
	case "udp", "tcp":
	case "tls":
		s.network = "tcp"
		if s.tls, err = opts.TLS.config(); err != nil {
			return nil, err
		}
		s.tls.ServerName = cmp.Or(s.tls.ServerName, address.Hostname())
	default:
		return nil, fmt.Errorf("parse syslog address: %q is none of udp, tcp, tls", address.Scheme)
	}
	return s, nil
}

// Name implements alert.Sink.
func (s *Syslog) Name() string { return s.name }

// Send implements alert.Sink.
func (s *Syslog) Send(ctx context.Context, alerts []alert.Alert) (int, error) {
	for i := range alerts {
		message, err := s.message(&alerts[i])
		if err != nil {
			return i, fmt.Errorf("write alert: %w: %w", alert.ErrRefused, err)
		}
		if err := s.write(ctx, message); err != nil {
			return i, fmt.Errorf("send to syslog: %w", err)
		}
	}
	return len(alerts), nil
}

func (s *Syslog) write(ctx context.Context, message []byte) error {
	if err := s.connect(ctx); err != nil {
		return err
	}
	if s.network == "tcp" {
		message = fmt.Appendf(nil, "%d %s", len(message), message)
	}
	deadline := time.Now().Add(timeout)
	if err := s.conn.SetWriteDeadline(deadline); err != nil {
		return errors.Join(err, s.disconnect())
	}
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetWriteDeadline(time.Now()) }) // the write tells
	defer stop()
	if _, err := s.conn.Write(message); err != nil {
		return errors.Join(err, s.disconnect())
	}
	return nil
}

// connect connects, unless there is a connection that still holds.
func (s *Syslog) connect(ctx context.Context) error {
	if s.conn != nil {
		select {
		case <-s.closed:
			_ = s.disconnect() // it is gone already
		default:
			return nil
		}
	}
	dialer := &net.Dialer{Timeout: timeout}
	var err error
	if s.tls != nil {
		ctx, cancel := context.WithTimeout(ctx, timeout) // for the handshake too
		defer cancel()
		s.conn, err = (&tls.Dialer{NetDialer: dialer, Config: s.tls}).DialContext(ctx, s.network, s.address)
	} else {
		s.conn, err = dialer.DialContext(ctx, s.network, s.address)
	}
	if err != nil {
		s.conn = nil
		return err
	}
	s.closed = make(chan struct{})
	if s.network == "tcp" {
		go watch(s.conn, s.closed)
	}
	return nil
}

// watch reads from conn, which a receiver of syslog never answers on, to see
// it end.
func watch(conn net.Conn, closed chan struct{}) {
	defer close(closed)
	_, _ = io.Copy(io.Discard, conn) // why it ended does not matter
}

func (s *Syslog) disconnect() error {
	err := s.conn.Close()
	s.conn = nil
	return err
}

// message writes a as
//
//	<PRI>1 TIMESTAMP HOSTNAME bobwatch PID MSGID - MSG
//
// with the rule as MSGID. MSG is one line, whatever the format. An alert that
// is too long loses its least important fields.
func (s *Syslog) message(a *alert.Alert) ([]byte, error) {
	header := fmt.Sprintf("<%d>1 %s %s bobwatch %d %s - ",
		s.opts.Facility*8+syslogSeverities[min(a.Severity, severity.Critical)],
		a.Last.UTC().Format("2006-01-02T15:04:05.000Z"), headerField(s.opts.Hostname, 255), os.Getpid(), headerField(string(a.Rule), 32))
	for _, shorten := range []func(*alert.Alert){whole, withoutAncestors, withoutArgs, bare} {
		short := *a
		shorten(&short)
		var b bytes.Buffer
		if err := s.opts.Encode(&b, &short); err != nil {
			return nil, err
		}
		if text := oneLine(b.String()); len(header)+len(text) <= maxMessage {
			return []byte(header + text), nil
		}
	}
	return nil, fmt.Errorf("the alert is longer than %d bytes", maxMessage)
}

// syslogSeverities are those of RFC 5424 for ours.
var syslogSeverities = [...]int{
	severity.Low:      5, // notice
	severity.Medium:   4, // warning
	severity.High:     3, // error
	severity.Critical: 2,
}

// Ways to shorten an alert, each more than the one before.
func whole(*alert.Alert) {}

func withoutAncestors(a *alert.Alert) { a.Ancestors = nil }

func withoutArgs(a *alert.Alert) {
	withoutAncestors(a)
	a.Process.Args = nil
	a.Allow, a.Gravest, a.Latest = nil, nil, nil
	if a.Deviation.Exec != nil {
		exec := *a.Deviation.Exec
		exec.Args = nil
		a.Deviation.Exec = &exec
	}
}

// bare leaves the message, which is bounded, and the fields that name what it
// is about.
func bare(a *alert.Alert) {
	withoutArgs(a)
	a.Process, a.Origin = alert.Process{}, alert.Origin{}
	a.Deviation = alert.Deviation{}
}

// oneLine joins the lines of s, without their indentation.
func oneLine(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// headerField returns s for a field of the header, which may hold only visible ASCII:
// it replaces all other characters. "-" stands for an empty field.
func headerField(s string, limit int) string {
	field := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, s)
	return cmp.Or(field[:min(len(field), limit)], "-")
}

// facilities are the names of RFC 5424's facilities, by their numbers.
var facilities = []string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
	"ntp", "security", "console", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// Facility returns the number of the facility called name.
func Facility(name string) (int, error) {
	for number, known := range facilities {
		if name == known {
			return number, nil
		}
	}
	return 0, fmt.Errorf("facility %q: want one of %s", name, strings.Join(facilities, ", "))
}
