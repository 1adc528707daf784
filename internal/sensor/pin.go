package sensor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// layout names the meaning of the pinned maps. It changes whenever bpf/maps.h
// or bpf/event.h do, so that an upgraded agent never reads an older layout.
const layout = "layout-14"

// pins is a directory of pinned maps and links. A pins without a directory
// pins nothing.
type pins struct {
	dir  string
	maps map[string]*ebpf.Map // left by an earlier agent
}

// pinnedMaps lists the maps whose content outlives the agent, by file name:
// bpffs takes no dots.
var pinnedMaps = map[string]string{
	"events":     bpfMapEvents,
	"natives":    bpfMapNatives,
	"known":      bpfMapKnown,
	"sensitive":  bpfMapSensitiveFiles,
	"deviations": bpfMapDeviations,
	"state":      bssMap,
}

// openPins opens the pins of an earlier agent below path, if there are any.
func openPins(path string) (*pins, error) {
	if path == "" {
		return &pins{}, nil
	}
	p := &pins{dir: filepath.Join(path, layout), maps: map[string]*ebpf.Map{}}
	if err := ensureBPFFS(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return nil, fmt.Errorf("pin: %w", err)
	}
	for file, name := range pinnedMaps {
		m, err := ebpf.LoadPinnedMap(filepath.Join(p.dir, file), nil)
		if errors.Is(err, os.ErrNotExist) {
			// A partial set has no meaning: start afresh.
			p.close()
			p.maps = nil
			return p, nil
		}
		if err != nil {
			p.close()
			return nil, fmt.Errorf("open pinned map %s: %w", file, err)
		}
		p.maps[name] = m
	}
	return p, nil
}

// dropUnfit forgets the pinned maps if one of them differs from the map to load, for
// instance in the size of the ring buffer.
func (p *pins) dropUnfit(specs map[string]*ebpf.MapSpec) {
	for name, m := range p.maps {
		if specs[name].Compatible(m) != nil {
			p.close()
			p.maps = nil
			return
		}
	}
}

// ensureBPFFS checks that path lies on a bpffs, and mounts one on /sys/fs/bpf
// where the system has not.
func ensureBPFFS(path string) error {
	const mountPoint = "/sys/fs/bpf"
	var fs unix.Statfs_t
	if err := unix.Statfs(mountPoint, &fs); err == nil && fs.Type == unix.BPF_FS_MAGIC {
		return nil
	}
	if !strings.HasPrefix(path, mountPoint) {
		return nil
	}
	if err := unix.Mount("bpffs", mountPoint, "bpf", 0, "mode=0700"); err != nil {
		return fmt.Errorf("mount bpffs on %s (in a container, mount the host's there): %w", mountPoint, err)
	}
	return nil
}

// save pins the maps and links. The links replace those of an earlier agent,
// which detaches its programs only now that ours are attached.
func (p *pins) save(maps map[string]*ebpf.Map, links []attachment) error {
	if p.dir == "" {
		return nil
	}
	for file, name := range pinnedMaps {
		if p.maps[name] != nil {
			continue
		}
		path := filepath.Join(p.dir, file)
		if err := removePin(path); err != nil {
			return err
		}
		if err := maps[name].Pin(path); err != nil {
			return fmt.Errorf("pin map %s: %w", file, err)
		}
	}
	stale, err := filepath.Glob(filepath.Join(p.dir, "link_*"))
	if err != nil {
		return fmt.Errorf("list pinned links: %w", err)
	}
	for _, path := range stale {
		if err := removePin(path); err != nil {
			return err
		}
	}
	for i := range links {
		a := &links[i]
		a.pin = filepath.Join(p.dir, "link_"+a.hook)
		if err := a.link.Pin(a.pin); err != nil {
			return fmt.Errorf("pin link %s: %w", a.hook, err)
		}
	}
	return p.removeOtherLayouts()
}

// removeOtherLayouts drops the pins of agents with another layout.
func (p *pins) removeOtherLayouts() error {
	layouts, err := filepath.Glob(filepath.Join(filepath.Dir(p.dir), "layout-*"))
	if err != nil {
		return fmt.Errorf("list pinned layouts: %w", err)
	}
	for _, dir := range layouts {
		if dir == p.dir {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove pinned layout: %w", err)
		}
	}
	return nil
}

func (p *pins) close() {
	for _, m := range p.maps {
		m.Close()
	}
}

// Unpin detaches and frees everything that agents left pinned below path.
func Unpin(path string) error {
	if path == "" {
		return nil
	}
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("unpin: %w", err)
	}
	return nil
}

func removePin(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove pin: %w", err)
	}
	return nil
}
