package agent

import (
	"errors"
	"path"
	"strings"

	"go.uber.org/zap"

	"bobwatch/internal/event"
	"bobwatch/internal/sensitive/search"
	"bobwatch/internal/sensor"
)

// markSensitive makes the kernel know the instance's sensitive files by identity,
// once. pid is a process that is in the container. Files that are not found are still
// known by name.
func (c *containers) markSensitive(in *instance, pid uint32) {
	if in.marked {
		return
	}
	in.marked = true
	id := in.Container.CgroupID
	go func() {
		files, err := search.Find(pid)
		if err != nil {
			c.log.Debug("look for sensitive files", zap.String("container", in.Container.ID), zap.Error(err))
		}
		if len(files) == 0 && err == nil {
			return
		}
		c.post(c.ctx, func() {
			in.marked = len(files) > 0 // or the next process is asked
			for _, f := range files {
				if c.byCgroup[id] == in {
					if err := c.watcher.MarkSensitive(id, int(f.Fd()), f.Path); err != nil && !errors.Is(err, sensor.ErrNotWatched) {
						c.log.Warn("mark sensitive file", zap.Error(err))
					}
				}
				f.Close()
			}
		})
	}()
}

// byObject returns an open of a sensitive file by another name as one by the
// file's own, nil for any other event. A volume may be mounted in several places
// from the start, so of its files the last name alone counts.
func byObject(ev *event.Event) *event.Event {
	opened := strings.TrimPrefix(string(ev.Path), "outside:")
	if ev.Object == "" || ev.Object == opened || ev.Has(event.FlagMount) && path.Base(ev.Object) == path.Base(opened) {
		return nil
	}
	object := ev.Clone()
	object.Path = []byte(ev.Object)
	return object
}
