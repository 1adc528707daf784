package port

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/zap"
	"go.uber.org/zap/zapio"

	"bobwatch/internal/config"
)

// drainTimeout is how long answers under way are waited for at the end.
const drainTimeout = 3 * time.Second

// Server answers on the agent's port. A nil server serves nothing.
type Server struct {
	listener  *Listener
	http      *http.Server
	webConfig string
	log       *zap.Logger
}

// Open opens the address of c. TLS and authentication are those of the web
// configuration, which is read again at every connection and request; one that
// cannot be used at the start is an error.
func Open(c config.HTTP, h http.Handler, registry prometheus.Registerer, log *zap.Logger) (*Server, error) {
	if c.Listen == "" {
		return nil, nil
	}
	if err := web.Validate(c.WebConfig); err != nil {
		return nil, fmt.Errorf("http.webConfig: %w", err)
	}
	network, address := "tcp", c.Listen
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("http.listen: %w", err)
		}
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	s := &Server{
		listener:  NewListener(listener),
		http:      newServer(h),
		webConfig: c.WebConfig,
		log:       log,
	}
	if err := registry.Register(ClosedConnections(s.listener.Closed)); err != nil {
		return nil, errors.Join(fmt.Errorf("register metrics: %w", err), listener.Close())
	}
	return s, nil
}

// ClosedConnections makes a metric of the connections that a Listener closed.
func ClosedConnections(count func() uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "bobwatch_http_connections_closed_total",
		Help: "Connections to the agent's port that were closed because too many were open: the oldest one of the address with the most.",
	}, func() float64 { return float64(count()) })
}

// Run serves until ctx ends, and returns when no answer is under way any more. The
// sources of the answers may be closed after that.
func (s *Server) Run(ctx context.Context) error {
	if s == nil {
		return nil
	}
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		s.drain()
	})
	out := &zapio.Writer{Log: s.log, Level: zap.WarnLevel}
	defer out.Close()
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn}))
	err := web.Serve(s.listener, s.http, &web.FlagConfig{WebConfigFile: &s.webConfig}, log)
	if !stop() {
		<-drained
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

func (s *Server) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}
