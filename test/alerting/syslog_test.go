package alerting

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/leodido/go-syslog/v4/rfc5424"

	"bobwatch/internal/alert"
	"bobwatch/internal/alert/delivery"
	"bobwatch/internal/alert/sink"
)

// plain is what rsyslog listens on without encryption.
const plain = `
module(load="imudp")
module(load="imtcp")
input(type="imudp" address="127.0.0.1" port="PORT")
input(type="imtcp" address="127.0.0.1" port="PORT")
`

// toSyslog is a route to address, with a queue of its own.
func toSyslog(t *testing.T, address string, tls sink.TLS) delivery.Route {
	t.Helper()
	s, err := sink.NewSyslog("syslog", sink.SyslogOptions{
		Address: address, TLS: tls, Facility: 16, Hostname: "node-0", Encode: alert.JSON,
	})
	if err != nil {
		t.Fatal(err)
	}
	return delivery.Route{Sink: s, Queue: filepath.Join(t.TempDir(), "syslog.db"), QueueBytes: 4 << 20}
}

// encrypted is what it listens on for TLS by p.
func (p *pki) encrypted() string {
	return fmt.Sprintf(`
global(DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile=%q
	DefaultNetstreamDriverCertFile=%q DefaultNetstreamDriverKeyFile=%q)
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/certvalid")
input(type="imtcp" address="127.0.0.1" port="PORT")
`, p.ca, p.server.cert, p.server.key)
}

func TestSyslogReceivesAnAttack(t *testing.T) {
	pki := newPKI(t)
	tests := map[string]struct {
		inputs string
		tls    sink.TLS
	}{
		"udp": {inputs: plain},
		"tcp": {inputs: plain},
		"tls": {inputs: pki.encrypted(), tls: sink.TLS{CAFile: pki.ca, CertFile: pki.client.cert, KeyFile: pki.client.key}},
	}
	for scheme, tt := range tests {
		t.Run(scheme, func(t *testing.T) {
			server := startRsyslog(t, tt.inputs)
			r := newReplica(t, 0, toSyslog(t, fmt.Sprintf("%s://127.0.0.1:%d", scheme, server.port), tt.tls))
			r.attack(2000)
			wantMessages(t, server, attackMessages...)
			messages, err := server.messages()
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range messages {
				m.check(t)
			}
		})
	}
}

// wantMessages waits until the daemon has understood alerts that say want, and
// nothing else.
func wantMessages(t *testing.T, server *rsyslog, want ...string) {
	t.Helper()
	eventually(t, func() error {
		messages, err := server.messages()
		var got []string
		for _, m := range messages {
			got = append(got, m.alert(t).Message)
		}
		slices.Sort(got)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("messages: got %q, want %q", got, want)
		}
		return err
	})
}

// alert is what the message carries.
func (m *understood) alert(t *testing.T) alert.Alert {
	t.Helper()
	var a alert.Alert
	if err := json.Unmarshal([]byte(m.Msg), &a); err != nil {
		t.Fatalf("message %q: %v", m.Msg, err)
	}
	return a
}

// check fails unless rsyslog and a parser of the RFC agree on a well-formed
// header.
func (m *understood) check(t *testing.T) {
	t.Helper()
	a := m.alert(t)
	want := understood{
		Hostname: "node-0", Program: "bobwatch", MsgID: a.Rule.String(), Severity: "3", Facility: "16",
		Version: "1", Msg: m.Msg, RawMsg: m.RawMsg,
	}
	if diff := cmp.Diff(want, *m); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if _, err := rfc5424.NewParser().Parse([]byte(m.RawMsg)); err != nil {
		t.Errorf("parse %q: %v", m.RawMsg, err)
	}
}

// TestSyslogIsRestarted: what was not written meanwhile comes afterwards.
func TestSyslogIsRestarted(t *testing.T) {
	server := startRsyslog(t, plain)
	r := newReplica(t, 0, toSyslog(t, fmt.Sprintf("tcp://127.0.0.1:%d", server.port), sink.TLS{}))
	r.raiseAs("first")
	wantMessages(t, server, "unexpected read of /etc/shadow by first")
	server.stop()
	r.raiseAs("second")
	eventually(t, func() error {
		if s := r.dispatcher.Stats().Sinks["syslog"]; s.Queued != 1 {
			return fmt.Errorf("daemon that is down: got %+v, want 1 queued", s)
		}
		return nil
	})
	server.start(t)
	wantMessages(t, server, "unexpected read of /etc/shadow by first", "unexpected read of /etc/shadow by second")
}
