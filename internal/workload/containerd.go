package workload

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync/atomic"
	"time"

	containersv1 "github.com/containerd/containerd/api/services/containers/v1"
	eventsv1 "github.com/containerd/containerd/api/services/events/v1"
	imagesv1 "github.com/containerd/containerd/api/services/images/v1"
	namespacesv1 "github.com/containerd/containerd/api/services/namespaces/v1"
	tasksv1 "github.com/containerd/containerd/api/services/tasks/v1"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	// namespaceHeader is the gRPC metadata that selects a namespace.
	namespaceHeader = "containerd-namespace"
	// maxMessage is the limit of containerd's own client.
	maxMessage = 16 << 20
	// callTimeout bounds one question; containerd answers within milliseconds.
	callTimeout = 2 * time.Second
	// listTimeout bounds the listing of everything.
	listTimeout = time.Minute
	// maxReconnectPause bounds how long a restarted containerd goes unnoticed.
	maxReconnectPause = time.Second
)

// containerd is the source behind one socket. The connection is made on first
// use and again whenever it broke.
type containerd struct {
	socket     string
	hierarchy  *hierarchy
	counters   *counters
	conn       *grpc.ClientConn
	containers containersv1.ContainersClient
	events     eventsv1.EventsClient
	images     imagesv1.ImagesClient
	namespaces namespacesv1.NamespacesClient
	tasks      tasksv1.TasksClient

	peer atomic.Pointer[Runtime] // nil without a connection
}

func newContainerd(socket string, h *hierarchy, counters *counters) (*containerd, error) {
	c := &containerd{socket: socket, hierarchy: h, counters: counters}
	conn, err := grpc.NewClient("passthrough:///containerd",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(c.dial),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, MaxDelay: maxReconnectPause},
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to containerd at %s: %w", socket, err)
	}
	c.conn = conn
	c.containers = containersv1.NewContainersClient(conn)
	c.events = eventsv1.NewEventsClient(conn)
	c.images = imagesv1.NewImagesClient(conn)
	c.namespaces = namespacesv1.NewNamespacesClient(conn)
	c.tasks = tasksv1.NewTasksClient(conn)
	return c, nil
}

func (c *containerd) close() error { return c.conn.Close() }

// peerConn forgets the peer of a connection that ends.
type peerConn struct {
	net.Conn
	forget func()
}

func (p *peerConn) Close() error {
	p.forget()
	return p.Conn.Close()
}

// dial connects to the socket and remembers who listens there.
func (c *containerd) dial(ctx context.Context, _ string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.socket)
	if err != nil {
		return nil, err
	}
	pid, err := peerPID(conn.(*net.UnixConn))
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	peer := &Runtime{Socket: c.socket, PID: uint32(pid)}
	c.peer.Store(peer)
	c.counters.reconnects.Add(1)
	return &peerConn{Conn: conn, forget: func() { c.peer.CompareAndSwap(peer, nil) }}, nil
}

// peerPID returns the pid of the process that listens on a Unix socket, 0 if
// it is not visible from here.
func peerPID(conn *net.UnixConn) (int32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return 0, fmt.Errorf("read peer of %s: %w", conn.RemoteAddr(), err)
	}
	return cred.Pid, nil
}

// runtime returns the runtime behind the socket, if there is one.
func (c *containerd) runtime() (Runtime, bool) {
	if peer := c.peer.Load(); peer != nil {
		return *peer, true
	}
	return Runtime{Socket: c.socket}, false
}

// present reports whether there is a socket at all.
func (c *containerd) present() bool {
	_, err := os.Stat(c.socket)
	return !errors.Is(err, fs.ErrNotExist)
}

func inNamespace(ctx context.Context, name string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, namespaceHeader, name)
}

func (c *containerd) resolve(ctx context.Context, cg cgroup) (Container, verdict, error) {
	id := candidate(cg.reported)
	if id == "" || !c.present() {
		return Container{}, nobody, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	names, err := c.namespaceNames(ctx)
	if err != nil {
		return Container{}, unknown, err
	}
	best := unknown
	for _, name := range names {
		r, err := c.record(inNamespace(ctx, name), name, id)
		if status.Code(err) == codes.NotFound {
			continue
		}
		if err != nil {
			return Container{}, unknown, err
		}
		if !c.livesIn(r, cg) {
			best = impostor
			continue
		}
		found, err := c.describe(inNamespace(ctx, name), r)
		if err != nil {
			return Container{}, unknown, err
		}
		found.CgroupID = cg.id
		return found, known, nil
	}
	return Container{}, best, nil
}

// livesIn reports whether r's own cgroup is cg. Where the reported path cannot
// be compared as a whole, the directory that r names must be that very cgroup.
func (c *containerd) livesIn(r *record, cg cgroup) bool {
	if cg.local != "" {
		return cg.local == r.cgroupPath || cg.local == r.cgroupPath+subgroup
	}
	id, err := c.hierarchy.id(r.cgroupPath)
	return err == nil && id == cg.id
}

func (c *containerd) namespaceNames(ctx context.Context) ([]string, error) {
	resp, err := c.namespaces.List(ctx, &namespacesv1.ListNamespacesRequest{})
	if err != nil {
		return nil, fmt.Errorf("list containerd namespaces: %w", err)
	}
	var names []string
	for _, ns := range resp.GetNamespaces() {
		names = append(names, ns.GetName())
	}
	return names, nil
}

// record returns the container with an ID. The error has the code NotFound if
// there is none.
func (c *containerd) record(ctx context.Context, namespace, id string) (*record, error) {
	resp, err := c.containers.Get(ctx, &containersv1.GetContainerRequest{ID: id})
	if err != nil {
		return nil, fmt.Errorf("get container %s: %w", id, err)
	}
	return newRecord(namespace, resp.GetContainer())
}

// describe adds the pod's labels and the image from other records.
func (c *containerd) describe(ctx context.Context, r *record) (Container, error) {
	var podLabels map[string]string
	if id := r.sandboxID(); id != "" {
		resp, err := c.containers.Get(ctx, &containersv1.GetContainerRequest{ID: id})
		if err != nil && status.Code(err) != codes.NotFound {
			return Container{}, fmt.Errorf("get sandbox %s: %w", id, err)
		}
		podLabels = resp.GetContainer().GetLabels()
	}
	digest, err := c.imageDigest(ctx, r)
	if err != nil {
		return Container{}, err
	}
	return r.container(podLabels, digest), nil
}

// imageDigest returns the digest of r's image. If the image is gone, or was imported over
// another of its name, which containerd 1.6 does not note by its id, it returns the
// digest in the record, and "" if the record has none, like Docker's.
func (c *containerd) imageDigest(ctx context.Context, r *record) (string, error) {
	name := r.imageName()
	if name == "" {
		return "", nil
	}
	resp, err := c.images.Get(ctx, &imagesv1.GetImageRequest{Name: name})
	if status.Code(err) == codes.NotFound {
		return r.notedDigest(), nil
	}
	if err != nil {
		return "", fmt.Errorf("get image %s: %w", name, err)
	}
	return resp.GetImage().GetTarget().GetDigest(), nil
}
