package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"bobwatch/internal/testenv"
)

// Place is where on the machine a cluster is: its network, its cgroups and its
// directory have names by which the next run finds what is left there.
type Place int

// The places, each for one cluster at a time.
const (
	ByHand   Place = iota // what somebody brought up to try things
	ForTests              // what a test brought up
)

func (p Place) String() string { return strconv.Itoa(int(p)) }

// bridge holds the nodes together and bears the API server's address.
func (p Place) bridge() string { return "bobwatch" + p.String() }

// cgroup holds every process, in a cgroup called daemons or in a node's.
func (p Place) cgroup() string { return "bobwatch-cluster" + p.String() }

func (p Place) address(host int) string { return fmt.Sprintf("10.99.%d.%d", p, host) }
func (p Place) apiServer() string       { return p.address(1) + ":6443" }

// nodeAddress returns the address of a node; they are numbered from 1.
func (p Place) nodeAddress(number int) string { return p.address(10 + number) }

// pods returns the addresses of all pods, nodePods those of a node's.
func (p Place) pods() string               { return fmt.Sprintf("10.%d.0.0/16", 80+p) }
func (p Place) nodePods(number int) string { return fmt.Sprintf("10.%d.%d.0/24", 80+p, number) }

func (p Place) services() string { return fmt.Sprintf("10.%d.0.0/16", 90+p) }

// apiService returns the first of the services' addresses.
func (p Place) apiService() string { return fmt.Sprintf("10.%d.0.1", 90+p) }

// directory returns where the cluster's files are.
func (p Place) directory() (string, error) {
	cache, err := testenv.CacheDir("kubernetes")
	return filepath.Join(cache, "cluster"+p.String()), err
}

// claim takes the lock that whoever has a cluster in the place holds, and
// returns the directory of its files.
func (p Place) claim() (dir string, unlock func(), err error) {
	if dir, err = p.directory(); err != nil {
		return "", nil, err
	}
	unlock, err = testenv.Lock(dir + ".lock")
	return dir, unlock, err
}

// Down takes down the cluster that was kept or left in the place.
func (p Place) Down(ctx context.Context) error {
	dir, unlock, err := p.claim()
	if err != nil {
		return err
	}
	defer unlock()
	return p.remove(ctx, dir)
}

// makeNetwork makes the bridge that holds the machine and the nodes together.
func (p Place) makeNetwork(ctx context.Context) error {
	return errors.Join(
		run(ctx, "ip", "link", "add", p.bridge(), "type", "bridge"),
		run(ctx, "ip", "addr", "add", p.address(1)+"/24", "dev", p.bridge()),
		run(ctx, "ip", "link", "set", p.bridge(), "up"),
		run(ctx, "ip", "route", "add", p.services(), "via", p.nodeAddress(1)),
	)
}

// remove ends every process of the cluster in dir and removes all it made.
func (p Place) remove(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := testenv.EndCgroup(ctx, p.cgroup()); err != nil {
		return fmt.Errorf("end cluster: %w", err)
	}
	// The nodes' links go with their namespaces, but the kernel takes its time.
	links, err := filepath.Glob("/sys/class/net/" + p.bridge() + "*")
	if err != nil {
		return err
	}
	for _, link := range links {
		err := run(ctx, "ip", "link", "del", filepath.Base(link))
		if _, gone := os.Stat(link); err != nil && gone == nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}
