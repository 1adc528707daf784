// Package port serves the agent's HTTP port, also to clients that are idle, slow or
// many.
//
// Its invariant: a client that does not read, does not write or opens
// connections without end costs a bounded amount of memory, and takes
// connections from its own address only.
package port

import (
	"bytes"
	"container/list"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of a port.
const (
	// maxConnections is how many are open at a time, and maxEach how many of
	// one address. A connection more closes the oldest of the address that has
	// the most.
	maxConnections = 128
	maxEach        = 16
	// maxAnswers is how many answers are made at a time; further requests wait.
	maxAnswers = 4
	// A request is read within requestTimeout and its answer written within
	// answerTimeout. A connection without a request is closed after idleTimeout,
	// which is longer than the scrape interval of most.
	requestTimeout = 10 * time.Second
	answerTimeout  = 20 * time.Second
	idleTimeout    = 90 * time.Second
	maxHeaderBytes = 16 << 10
)

// newServer returns a server whose clients cannot take its memory or its time.
// Listener limits its connections.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           Buffer(h),
		ReadHeaderTimeout: requestTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxAnswers},
	}
}

// Buffer makes answers in memory before a client gets them: one that reads
// slowly keeps nobody else from an answer. The answers have to be small.
func Buffer(h http.Handler) http.Handler {
	making := make(chan struct{}, maxAnswers)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case making <- struct{}{}:
		case <-r.Context().Done():
			return
		}
		answer := buffered{header: w.Header(), status: http.StatusOK}
		func() {
			defer func() { <-making }()
			h.ServeHTTP(&answer, r)
		}()
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body.Bytes()) // an error is the client's, that went away
	})
}

// buffered is an http.ResponseWriter.
type buffered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *buffered) Header() http.Header            { return b.header }
func (b *buffered) WriteHeader(status int)         { b.status = status }
func (b *buffered) Write(text []byte) (int, error) { return b.body.Write(text) }

// Listener limits the connections that are open at a time.
type Listener struct {
	net.Listener
	closed atomic.Uint64

	mu    sync.Mutex
	open  int
	peers map[netip.Addr]*list.List // of *conn, oldest first
}

// NewListener wraps a listener.
func NewListener(l net.Listener) *Listener {
	return &Listener{Listener: l, peers: map[netip.Addr]*list.List{}}
}

// Closed returns how many connections were closed for others.
func (l *Listener) Closed() uint64 { return l.closed.Load() }

// conn is a connection that is counted until it is closed.
type conn struct {
	net.Conn
	listener *Listener
	peer     netip.Addr
	place    *list.Element // nil once it is not counted
}

// Accept returns the next connection, and closes another if there are too many.
func (l *Listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: accepted, listener: l, peer: addressOf(accepted)}
	if surplus := l.add(c); surplus != nil {
		l.closed.Add(1)
		_ = surplus.Conn.Close() // nothing is lost with what it cannot say
	}
	return c, nil
}

// add counts c, and returns a connection to close.
func (l *Listener) add(c *conn) *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.peers[c.peer] == nil {
		l.peers[c.peer] = list.New()
	}
	c.place = l.peers[c.peer].PushBack(c)
	l.open++
	greedy := l.peers[c.peer]
	switch {
	case greedy.Len() > maxEach:
	case l.open > maxConnections:
		for _, peer := range l.peers {
			if peer.Len() > greedy.Len() {
				greedy = peer
			}
		}
	default:
		return nil
	}
	surplus := greedy.Front().Value.(*conn)
	l.remove(surplus)
	return surplus
}

func (l *Listener) remove(c *conn) {
	if c.place == nil {
		return
	}
	peer := l.peers[c.peer]
	peer.Remove(c.place)
	c.place = nil
	l.open--
	if peer.Len() == 0 {
		delete(l.peers, c.peer)
	}
}

// Close closes the connection.
func (c *conn) Close() error {
	c.listener.mu.Lock()
	c.listener.remove(c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

// addressOf returns the peer's address, for IPv6 its network of 64 bits, because a client
// may use all addresses of it. All peers without an address count as one.
func addressOf(c net.Conn) netip.Addr {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	address := tcp.AddrPort().Addr().Unmap().WithZone("")
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return address
}
