package cluster

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"bobwatch/internal/testenv"
	"bobwatch/test/workloads"
)

// AgentReference names the image that AgentImage builds. No registry has it.
const AgentReference = "localhost/bobwatch:test"

// AgentImage builds the image of the Dockerfile from the tree as it is.
func AgentImage(ctx context.Context) (testenv.Image, error) {
	agent, err := workloads.Build(ctx, "./cmd/agent")
	if err != nil {
		return testenv.Image{}, err
	}
	bobctl, err := workloads.Build(ctx, "./cmd/bobctl")
	if err != nil {
		return testenv.Image{}, err
	}
	return testenv.Image{
		Ref: AgentReference,
		Files: []testenv.File{
			{Path: "/agent", Mode: 0o755, Data: agent},
			{Path: "/bobctl", Mode: 0o755, Data: bobctl},
		},
		Entrypoint: []string{"/agent"},
	}, nil
}

// Load loads images into every node of the cluster in the place.
func (p Place) Load(ctx context.Context, images ...testenv.Image) error {
	dir, err := p.directory()
	if err != nil {
		return err
	}
	sockets, err := filepath.Glob(containerdSocket(filepath.Join(dir, "node*")))
	if err != nil {
		return err
	}
	if len(sockets) == 0 {
		return errors.New("load images: there is no cluster")
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, socket := range sockets {
		group.Go(func() error { return testenv.Import(ctx, socket, images...) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("load images: %w", err)
	}
	return nil
}

// Load loads images into every node.
func (c *Cluster) Load(ctx context.Context, images ...testenv.Image) error {
	return c.place.Load(ctx, images...)
}

// containerdSocket returns where the containerd of the node in dir listens.
func containerdSocket(dir string) string { return filepath.Join(dir, "run/containerd/containerd.sock") }
