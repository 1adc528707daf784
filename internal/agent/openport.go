package agent

import (
	"errors"

	"go.uber.org/zap"

	"bobwatch/internal/event"
	"bobwatch/internal/sensor"
)

// openPort allows a port for any peer in the kernel, so that a server with a million
// clients costs as much as one with ten.
func (w *watcher) openPort(ev *event.Event, anyPeer bool) {
	if ev.Kind != event.KindConnection || !anyPeer {
		return
	}
	if err := w.AllowAnyPeer(ev.Cgroup, ev.Connection); err != nil && !errors.Is(err, sensor.ErrNotWatched) {
		w.log.Warn("allow any peer", zap.Error(err))
	}
}

// adoptSockets makes the kernel report the ports on which running containers already
// listen, and their present peers.
func (w *watcher) adoptSockets() {
	if err := w.AdoptSockets(); err != nil {
		w.metrics.AdoptErrors.Add(1)
		w.log.Error("take over sockets", zap.Error(err))
	}
}
