package agent

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/agent/metrics"
	"bobwatch/internal/host"
	"bobwatch/internal/sensor"
	"bobwatch/internal/workload"
)

const (
	// selfTestInterval is how often the agent asks its programs whether they
	// run. One test costs about 50 system calls.
	selfTestInterval = 3 * time.Second
	// maxSelfTestAge is how old the last answer that came through the ring
	// buffer may be. One may be lost, in a flood.
	maxSelfTestAge = 3 * selfTestInterval
)

// testSelf tests the hooks until ctx ends, and says so when one is lost or
// comes back.
func (a *agent) testSelf(ctx context.Context) {
	ticker := time.NewTicker(selfTestInterval)
	defer ticker.Stop()
	lost := map[string]bool{}
	for {
		hooks := a.engine.watcher.SelfTest()
		a.engine.health.hooks.Store(&hooks)
		for _, h := range hooks {
			if isLost := h.Err != nil; isLost != lost[h.Name] {
				lost[h.Name] = isLost
				a.logHook(h)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (a *agent) logHook(h sensor.Hook) {
	if h.Err != nil {
		a.log.Error("blinded: a hook is lost", zap.String("hook", h.Name), zap.Error(h.Err))
		return
	}
	a.log.Info("a hook is back", zap.String("hook", h.Name))
}

// health says whether the agent works. It is read while the engine runs.
type health struct {
	metrics  *metrics.Counters
	resolver *workload.Resolver
	cluster  bool        // there is a container runtime on each node
	ready    atomic.Bool // what ran at the start is taken over
	hooks    atomic.Pointer[[]sensor.Hook]
}

// alive says why the engine is stuck, if it is.
func (h *health) alive() error {
	silent := time.Since(time.Unix(0, h.metrics.Beat.Load()))
	if silent > maxSilence {
		return fmt.Errorf("the reader has not turned for %s", silent.Round(time.Second))
	}
	return nil
}

// detecting says why deviations would not be found, if so.
func (h *health) detecting() error {
	if !h.ready.Load() {
		return errors.New("running containers are not taken over yet")
	}
	if err := h.alive(); err != nil {
		return err
	}
	hooks := h.hooks.Load()
	if hooks == nil {
		return errors.New("the hooks are not tested yet")
	}
	var errs []error
	for _, hook := range *hooks {
		if hook.Err != nil {
			errs = append(errs, fmt.Errorf("hook %s: %w", hook.Name, hook.Err))
		}
	}
	last := h.metrics.SelfTest.Load()
	if age := host.SinceBoot() - time.Duration(last); age > maxSelfTestAge {
		errs = append(errs, errors.New("the kernel's records do not arrive"))
	}
	if h.cluster && len(h.resolver.Runtimes()) == 0 {
		errs = append(errs, errors.New("no containerd answers"))
	}
	return errors.Join(errs...)
}
