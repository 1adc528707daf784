package workload

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// patterns is the source of containers on a host without a runtime: every
// cgroup whose path matches is one. Nothing below a matching cgroup matches,
// because * does not cross a slash, so a nested name cannot pose as a service.
type patterns struct {
	globs     []string
	hierarchy *hierarchy
}

func newPatterns(globs []string, h *hierarchy) (*patterns, error) {
	for _, glob := range globs {
		if _, err := path.Match(glob, "/"); err != nil || !strings.HasPrefix(glob, "/") {
			return nil, fmt.Errorf("cgroup pattern %q: must be an absolute path.Match pattern", glob)
		}
	}
	return &patterns{globs: globs, hierarchy: h}, nil
}

func (p *patterns) resolve(_ context.Context, cg cgroup) (Container, verdict, error) {
	if cg.local == "" || !p.match(cg.local) {
		return Container{}, nobody, nil
	}
	return p.container(cg.id, cg.local), known, nil
}

func (p *patterns) match(cgroupPath string) bool {
	for _, glob := range p.globs {
		if ok, _ := path.Match(glob, cgroupPath); ok {
			return true
		}
	}
	return false
}

// running walks no deeper than the patterns reach.
func (p *patterns) running(ctx context.Context) ([]Resident, error) {
	depth := 0
	for _, glob := range p.globs {
		depth = max(depth, strings.Count(glob, "/"))
	}
	if depth == 0 {
		return nil, nil
	}
	var found []Resident
	p.hierarchy.walk("/", depth, func(dir string) {
		if ctx.Err() != nil || !p.match(dir) {
			return
		}
		id, err := p.hierarchy.id(dir)
		if err != nil {
			return // gone meanwhile
		}
		pids, nested := p.hierarchy.members(dir)
		c := p.container(id, dir)
		c.Running = true
		found = append(found, Resident{Container: c, PIDs: pids, Nested: nested})
	})
	return found, ctx.Err()
}

// container describes a cgroup that matches. The instances of a template of systemd, as
// web@1.service and web@2.service, are one workload, web@, unless a pattern names the
// instance.
func (p *patterns) container(id uint64, cgroupPath string) Container {
	c := unitContainer(id, cgroupPath)
	template, _, instance := strings.Cut(c.Owner.Name, "@")
	if c.Owner.Kind != KindService || !instance || template == "" || p.names(cgroupPath) {
		return c
	}
	c.Name = template + "@"
	c.Owner.Name = c.Name
	return c
}

// names reports whether a pattern that matches has the cgroup's last name literally.
func (p *patterns) names(cgroupPath string) bool {
	return slices.ContainsFunc(p.globs, func(glob string) bool {
		ok, _ := path.Match(glob, cgroupPath)
		return ok && !strings.ContainsAny(path.Base(glob), `*?[\`)
	})
}

// unitContainer describes a cgroup by its path alone.
func unitContainer(id uint64, cgroupPath string) Container {
	leaf := path.Base(cgroupPath)
	c := Container{
		ID:         leaf,
		Runtime:    RuntimeCgroup,
		CgroupID:   id,
		CgroupPath: cgroupPath,
	}
	if unit, ok := strings.CutSuffix(leaf, ".service"); ok {
		c.Name = unit
		c.Owner = Owner{Kind: KindService, Name: unit}
		return c
	}
	if id := candidate(cgroupPath); id != "" {
		c.ID = id
	}
	c.Name = c.ID
	c.Owner = Owner{Kind: KindContainer, Name: c.ID}
	return c
}
