package port

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serve runs a server of h and returns its listener.
func serve(t *testing.T, h http.Handler) *Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := NewListener(inner)
	server := newServer(h)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return l
}

// from dials from an address of the loopback network.
func from(t *testing.T, address string, l net.Listener) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	c, err := dialer.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask returns the answer to a GET over c.
func ask(c net.Conn) (string, error) {
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}

func ok(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

func (l *Listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

func TestIdleConnectionsAreBounded(t *testing.T) {
	l := serve(t, http.HandlerFunc(ok))
	monitoring := from(t, "127.0.0.2", l)
	const many = 6000
	for range many {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	// The last one answers: all before it have been accepted.
	if answer, err := ask(from(t, "127.0.0.3", l)); err != nil || !strings.HasSuffix(answer, "ok\n") {
		t.Errorf("answer %q, %v to a client of another address", answer, err)
	}
	if got := l.count(); got > maxEach+2 {
		t.Errorf("%d connections are open, want at most %d of the greedy address", got, maxEach)
	}
	if got, want := l.Closed(), uint64(many-maxEach); got != want {
		t.Errorf("closed %d, want %d", got, want)
	}
	if answer, err := ask(monitoring); err != nil || !strings.HasSuffix(answer, "ok\n") {
		t.Errorf("answer %q, %v to a client that came before", answer, err)
	}
}

func TestManyAddressesAreBounded(t *testing.T) {
	l := serve(t, http.HandlerFunc(ok))
	monitoring := from(t, "127.0.1.1", l)
	for i := range 2 * maxConnections / 8 {
		for range 8 {
			from(t, fmt.Sprintf("127.0.2.%d", i+1), l)
		}
	}
	if answer, err := ask(monitoring); err != nil || !strings.HasSuffix(answer, "ok\n") {
		t.Errorf("answer %q, %v to the client with one connection", answer, err)
	}
	if got := l.count(); got > maxConnections {
		t.Errorf("%d connections are open, want at most %d", got, maxConnections)
	}
}

// Clients that ask and do not read keep nobody from an answer.
func TestSlowReadersBlockNobody(t *testing.T) {
	large := strings.Repeat("x", 8<<20) // more than the sockets' buffers
	l := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			_, _ = io.WriteString(w, large)
			return
		}
		ok(w, r)
	}))
	for range 2 * maxAnswers {
		c := from(t, "127.0.0.1", l)
		if _, err := io.WriteString(c, "GET /large HTTP/1.1\r\nHost: agent\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil { // the answer has begun
			t.Fatal(err)
		}
	}
	if answer, err := ask(from(t, "127.0.0.1", l)); err != nil || !strings.HasSuffix(answer, "ok\n") {
		t.Errorf("answer %q, %v beside slow readers", answer, err)
	}
}

// Requests beyond those that are answered at a time wait, and are answered.
func TestRequestsWait(t *testing.T) {
	release := make(chan struct{})
	begun := make(chan struct{}, 2*maxAnswers)
	l := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-release
		ok(w, r)
	}))
	answers := make(chan string, 2*maxAnswers)
	for range 2 * maxAnswers {
		c := from(t, "127.0.0.1", l)
		go func() {
			answer, _ := ask(c)
			answers <- answer
		}()
	}
	for range maxAnswers {
		<-begun
	}
	select {
	case <-begun:
		t.Error("more answers are made at a time than may be")
	default:
	}
	close(release)
	for range 2 * maxAnswers {
		if answer := <-answers; !strings.HasSuffix(answer, "ok\n") {
			t.Errorf("answer %q", answer)
		}
	}
}

func TestStatusAndHeadersArePassedOn(t *testing.T) {
	l := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/x")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || string(body) != "busy\n" {
		t.Errorf("answer %d %q, %v; want 503 busy", response.StatusCode, body, err)
	}
}
