package main

import (
	"errors"
	"fmt"
)

// memory is what the agent occupies while it watches many containers.
type memory struct {
	Containers int     `json:"containers"`
	Opens      int     `json:"opensLearned"` // of each
	RSS        float64 `json:"rssMiB"`
	Anonymous  float64 `json:"anonymousMiB"` // not pages of the binary
}

const (
	memoryContainers = 100
	memoryOpens      = 50
)

// measureMemory has many workloads learned, then guarded.
func measureMemory(root string) (m memory, err error) {
	a, err := startAgent(window)
	if err != nil {
		return memory{}, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	for i := range memoryContainers {
		actor, err := startActor(root, fmt.Sprintf("many%d", i))
		if err != nil {
			return memory{}, err
		}
		defer func() { err = errors.Join(err, actor.stop()) }()
		for file := range uint32(memoryOpens) {
			if _, err := actor.open(file); err != nil {
				return memory{}, err
			}
		}
	}
	if err := a.await("guarding workload", memoryContainers); err != nil {
		return memory{}, err
	}
	total, anonymous, err := a.residentBytes()
	if err != nil {
		return memory{}, err
	}
	const mib = 1 << 20
	return memory{
		Containers: memoryContainers, Opens: memoryOpens,
		RSS: float64(total) / mib, Anonymous: float64(anonymous) / mib,
	}, nil
}
