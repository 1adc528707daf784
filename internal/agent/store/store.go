// Package store keeps learned profiles as files in a directory.
//
// Its invariant: Put never waits for the disk.
package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/renameio/v2"
	"go.uber.org/zap"

	"bobwatch/internal/profile"
)

// Store writes learned profiles into a directory, one file a workload
// container. Put never waits for the disk; only the latest of a name is
// written.
type Store struct {
	dir      string
	log      *zap.Logger
	failures atomic.Uint64

	mu      sync.Mutex
	pending map[string]*profile.Profile
	wake    chan struct{}
}

// New makes the directory if there is none.
func New(dir string, log *zap.Logger) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make profile directory: %w", err)
	}
	return &Store{dir: dir, log: log, pending: map[string]*profile.Profile{}, wake: make(chan struct{}, 1)}, nil
}

// Failures returns how many writes failed.
func (s *Store) Failures() uint64 { return s.failures.Load() }

// Put replaces the profile of a workload container.
func (s *Store) Put(name string, p *profile.Profile) {
	s.mu.Lock()
	s.pending[name] = p
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Remove removes the file of a workload container.
func (s *Store) Remove(name string) error {
	s.mu.Lock()
	delete(s.pending, name)
	s.mu.Unlock()
	if err := os.Remove(filepath.Join(s.dir, fileName(name))); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove profile: %w", err)
	}
	return nil
}

// Run writes until ctx ends.
func (s *Store) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			s.Flush()
		}
	}
}

// Flush writes everything pending. A write that fails is tried again with the next.
func (s *Store) Flush() {
	s.mu.Lock()
	pending := s.pending
	s.pending = map[string]*profile.Profile{}
	s.mu.Unlock()
	for name, p := range pending {
		if err := s.write(name, p); err != nil {
			s.failures.Add(1)
			s.log.Error("write profile", zap.String("workload", name), zap.Error(err))
			s.mu.Lock()
			if s.pending[name] == nil {
				s.pending[name] = p
			}
			s.mu.Unlock()
		}
	}
}

func (s *Store) write(name string, p *profile.Profile) error {
	text, err := profile.Marshal(p)
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(s.dir, fileName(name)), text, 0o600, renameio.WithTempDir(s.dir))
}

// fileName makes a readable file name of a workload's key, which may be too
// long for one.
func fileName(name string) string {
	digest := sha256.Sum256([]byte(name))
	readable, _, _ := strings.Cut(name, "@")
	readable = strings.Trim(strings.ReplaceAll(readable, "/", "_"), "._")
	if len(readable) > 150 {
		readable = readable[:150]
	}
	return readable + "-" + hex.EncodeToString(digest[:4]) + ".yaml"
}
