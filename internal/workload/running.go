package workload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	containersv1 "github.com/containerd/containerd/api/services/containers/v1"
	tasksv1 "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/api/types/task"

	"bobwatch/internal/host"
)

func (c *containerd) running(ctx context.Context) ([]Resident, error) {
	if !c.present() {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	names, err := c.namespaceNames(ctx)
	if err != nil {
		return nil, err
	}
	var all []Resident
	for _, name := range names {
		residents, err := c.runningIn(inNamespace(ctx, name), name)
		if err != nil {
			return all, err
		}
		all = append(all, residents...)
	}
	return all, nil
}

// runningIn returns the containers of one namespace that have a task.
func (c *containerd) runningIn(ctx context.Context, namespace string) ([]Resident, error) {
	tasks, err := c.tasks.List(ctx, &tasksv1.ListTasksRequest{})
	if err != nil {
		return nil, fmt.Errorf("list tasks: %w", err)
	}
	if len(tasks.GetTasks()) == 0 {
		return nil, nil
	}
	records, err := c.records(ctx, namespace)
	if err != nil {
		return nil, err
	}
	digests := make(map[string]string)
	var all []Resident
	for _, t := range tasks.GetTasks() {
		r, ok := records[t.GetID()]
		if !ok || t.GetStatus() == task.Status_STOPPED || t.GetStatus() == task.Status_UNKNOWN {
			continue
		}
		digest, ok := digests[r.imageName()]
		if !ok {
			if digest, err = c.imageDigest(ctx, r); err != nil {
				return all, err
			}
			digests[r.imageName()] = digest
		}
		var podLabels map[string]string
		if sandbox := records[r.sandboxID()]; sandbox != nil {
			podLabels = sandbox.GetLabels()
		}
		if resident, ok := c.resident(r.container(podLabels, digest), t.GetPid()); ok {
			all = append(all, resident)
		}
	}
	return all, nil
}

// resident adds facts from the cgroup and /proc to a container that has a task. It
// returns false if the cgroup is gone, or not in this part of the hierarchy.
func (c *containerd) resident(found Container, pid uint32) (Resident, bool) {
	id, err := c.hierarchy.id(found.CgroupPath)
	if err != nil {
		return Resident{}, false
	}
	found.CgroupID = id
	found.PID = pid
	found.Running = true
	if started, err := startTime(pid); err == nil {
		found.StartedAt = started
	}
	pids, nested := c.hierarchy.members(found.CgroupPath)
	return Resident{Container: found, PIDs: pids, Nested: nested}, true
}

// records lists all containers of a namespace by ID. Those without a cgroup of
// their own, such as virtual machines of other runtimes, are left out.
func (c *containerd) records(ctx context.Context, namespace string) (map[string]*record, error) {
	stream, err := c.containers.ListStream(ctx, &containersv1.ListContainersRequest{})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	all := make(map[string]*record)
	for {
		msg, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list containers: %w", err)
		}
		if r, err := newRecord(namespace, msg.GetContainer()); err == nil {
			all[r.GetID()] = r
		}
	}
}

// userHZ is the unit of times in /proc/<pid>/stat, the same on every
// architecture Go supports.
const userHZ = 100

// startTime returns when a process started.
func startTime(pid uint32) (time.Time, error) {
	data, err := os.ReadFile("/proc/" + strconv.FormatUint(uint64(pid), 10) + "/stat")
	if err != nil {
		return time.Time{}, err
	}
	// The name, in parentheses, may hold anything; what follows is numbers.
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	const starttime = 22 - 3 // proc_pid_stat(5) counts from 1, pid and name are cut off
	if len(fields) <= starttime {
		return time.Time{}, fmt.Errorf("read start of process %d: short line", pid)
	}
	ticks, err := strconv.ParseInt(string(fields[starttime]), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read start of process %d: %w", pid, err)
	}
	age := host.SinceBoot() - time.Duration(ticks)*(time.Second/userHZ)
	return time.Now().Add(-age), nil
}
