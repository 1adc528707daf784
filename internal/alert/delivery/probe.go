package delivery

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"bobwatch/internal/alert"
)

// A sink that is down takes nothing, and everything waits for it. A sink that
// does not take one alert, because a proxy before it finds an attack in its
// words, would look the same if the others waited behind it: an attacker, who
// chooses those words, could switch the sink off.
const (
	// patience is how often the first alerts in the queue may fail before the
	// sink tries others.
	patience = 3
	// probeTime bounds a probe in which nothing is taken: a sink that does not
	// even answer is down.
	probeTime = 20 * time.Second
	// maxStrikes is how often an alert may fail alone while others are taken.
	maxStrikes = 3
	// maxSuspects bounds the alerts that are remembered for it.
	maxSuspects = 4096
)

// probe is the state of sending alerts one by one, to distinguish alerts that the sink
// refuses from a sink that is down.
type probe struct {
	failures int // consecutive, of the first alerts
	on       bool
	began    time.Time
	left     int        // alerts that are still to be tried
	failed   []incident // in this probe
	taken    bool       // an alert of this probe was
	strikes  map[incident]int
}

// setAside is about a, the first that waits, which the sink did not take. It
// reports whether to go on with others at once.
func (d *delivery) setAside(a *alert.Alert, err error) bool {
	p, id := &d.probe, incidentOf(a)
	if !p.on {
		p.failures++
		if p.failures < patience && p.strikes[id] == 0 || d.waits() < 2 {
			return false
		}
		p.on, p.began, p.left = true, time.Now(), min(d.waits(), maxBatch)
		p.taken, p.failed = false, nil
		d.singles = p.left
		d.stats.failures.Add(1)
		return true
	}
	p.left--
	d.singles = p.left
	switch {
	case p.strikes[id] >= maxStrikes:
		delete(p.strikes, id)
		d.stats.failures.Add(1)
		d.giveUp(a, dropGivenUp, err)
	default:
		p.failed = append(p.failed, id)
		d.postpone()
	}
	if p.left > 0 && (p.taken || time.Since(p.began) < probeTime) {
		d.stats.failures.Add(1)
		return true
	}
	return d.endProbe()
}

// passed is about alerts that the sink took.
func (d *delivery) passed(alerts []alert.Alert) {
	if len(alerts) == 0 {
		return
	}
	p := &d.probe
	p.failures = 0
	for i := range alerts {
		delete(p.strikes, incidentOf(&alerts[i]))
	}
	if !p.on {
		return
	}
	p.taken = true
	if p.left -= len(alerts); p.left <= 0 {
		d.endProbe()
	}
}

// endProbe reports whether the probe, if there was one, found a sink that takes alerts.
// Then the alerts that failed in it are the cause.
func (d *delivery) endProbe() (taken bool) {
	p := &d.probe
	if !p.on {
		return false
	}
	if p.taken {
		for _, id := range p.failed {
			if p.strikes == nil || len(p.strikes) >= maxSuspects {
				p.strikes = make(map[incident]int)
			}
			p.strikes[id]++
		}
	}
	taken = p.taken
	p.on, p.failures, p.failed, d.singles = false, 0, nil, 0
	return taken
}

// waits returns how many alerts have left the queue in memory.
func (d *delivery) waits() int {
	if d.spool == nil {
		return len(d.held)
	}
	return d.spool.len() + len(d.held)
}

// postpone puts the first that waits behind the others.
func (d *delivery) postpone() {
	if d.spool != nil && d.spool.len() > 0 {
		d.spool.postpone()
		return
	}
	d.held = append(d.held[1:], d.held[0])
}

// giveUp removes a, the first that waits, and keeps it for people to look at.
func (d *delivery) giveUp(a *alert.Alert, why drop, err error) {
	d.stats.dropped[why].Add(1)
	d.forget(1)
	fields := []zap.Field{zap.String("reason", dropNames[why]), zap.String("fingerprint", a.Fingerprint), zap.Error(err)}
	if d.dead != nil {
		if kept := d.dead.add(a); kept != nil {
			fields = append(fields, zap.NamedError("kept", kept))
		} else {
			fields = append(fields, zap.String("kept", d.dead.path))
		}
	}
	d.log.Error("sink does not take an alert, which is given up", fields...)
}

// deadSuffix is the suffix of the file next to a sink's queue that holds the alerts
// that the sink refused.
const deadSuffix = ".dead"

// maxDeadBytes bounds such a file. The one before is kept as .dead.old.
const maxDeadBytes = 1 << 20

// deadLetters is a file of alerts, as JSON on a line each.
type deadLetters struct{ path string }

func (l *deadLetters) add(a *alert.Alert) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("keep alert that is given up: %w", err)
		}
	}()
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if info, err := os.Stat(l.path); err == nil && info.Size()+int64(len(line)) > maxDeadBytes {
		if err := os.Rename(l.path, l.path+".old"); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(append(line, '\n'))
	return err
}
