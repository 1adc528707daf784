package alerting

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/alert/sink"
	"bobwatch/internal/incident"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// message is what Slack's incoming webhooks take.
type message struct {
	Channel     string `json:"channel"`
	Attachments []struct {
		Title string `json:"title"`
		Text  string `json:"text"`
	} `json:"attachments"`
}

// TestIncidentInSlack wants one message for an attack of several acts, by the
// recipe in deploy/alertmanager, and one when it is over.
func TestIncidentInSlack(t *testing.T) {
	var mu sync.Mutex
	var got []message
	slack := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, m)
		fmt.Fprint(w, "ok")
	}))
	defer slack.Close()
	messages := func() []message { mu.Lock(); defer mu.Unlock(); return got }

	am := newAlertmanager(t)
	recipe, err := os.ReadFile("../../deploy/alertmanager/slack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	url := filepath.Join(am.dir, "slack-url")
	write(t, url, slack.URL)
	config := strings.ReplaceAll(string(recipe), "/etc/alertmanager/slack-url", url)
	write(t, filepath.Join(am.dir, "alertmanager.yml"), strings.ReplaceAll(config, "group_interval: 1m", "group_interval: 1s"))
	am.start(t)
	to, err := sink.NewAlertmanager("am", sink.AlertmanagerOptions{URLs: []string{am.url}, ResolveAfter: time.Minute})
	if err != nil {
		t.Fatal(err)
	}

	tracker, now := incident.New(incident.DefaultOptions()), time.Now()
	send := func(told ...*alert.Alert) {
		t.Helper()
		for _, a := range told {
			if n, err := to.Send(t.Context(), []alert.Alert{*a}); n != 1 || err != nil {
				t.Fatalf("send: %d, %v", n, err)
			}
		}
	}
	for i, text := range []string{"unexpected process /bin/dash launched by apache2", "unexpected read of /etc/passwd by nl", "unexpected connection by sh"} {
		a := alert.Alert{
			ID: text, Fingerprint: text, Rule: rule.UnexpectedProcess, RuleName: rule.UnexpectedProcess.Name(), Severity: severity.High, Message: text,
			Count: 1, First: now, Last: now, Lineage: []alert.ProcessKey{{PID: 10, Start: 1}},
			Process: alert.Process{PID: 10, Comm: "sh", Start: now},
		}
		if i == 0 {
			a.Deviation.Exec = &alert.Exec{Path: "/bin/dash"}
		}
		a.Workload = alert.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"}
		if out := tracker.Add(&a, now); out != nil {
			send(out)
		}
	}
	send(tracker.Due(now.Add(time.Second), false)...)
	eventually(t, func() error {
		if n := len(messages()); n != 1 {
			return fmt.Errorf("%d messages, want one for the incident", n)
		}
		return nil
	})
	first := messages()[0]
	if len(first.Attachments) != 1 || first.Attachments[0].Title != "HIGH: shop/webapp" {
		t.Fatalf("message: %+v", first)
	}
	for _, want := range []string{"unexpected process /bin/dash", "unexpected read of /etc/passwd by nl", "unexpected connection by sh", "means"} {
		if !strings.Contains(first.Attachments[0].Text, want) {
			t.Errorf("the message lacks %q: %s", want, first.Attachments[0].Text)
		}
	}
	send(tracker.Due(now.Add(time.Hour), false)...)
	eventually(t, func() error {
		all := messages()
		if last := all[len(all)-1]; len(all) != 2 || last.Attachments[0].Title != "Over: shop/webapp" {
			return fmt.Errorf("%d messages, the last %+v, want a second that it is over", len(all), last)
		}
		return nil
	})
}
