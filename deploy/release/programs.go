package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// platform is an operating system and a processor, in Go's words.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "_" + p.arch }

// platforms are those of the agent and of bobctl.
var platforms = []platform{{"linux", "amd64"}, {"linux", "arm64"}}

var programNames = []string{"agent", "bobctl"}

// programs are the built binaries, by name and platform, below a folder.
type programs struct{ dir string }

// path returns where a program for a platform is.
func (p programs) path(name string, on platform) string {
	return filepath.Join(p.dir, on.String(), name)
}

func (r *release) buildPrograms(ctx context.Context) (programs, error) {
	dir, err := os.MkdirTemp("", "bobwatch-release-")
	if err != nil {
		return programs{}, err
	}
	built := programs{dir: dir}
	for _, on := range r.platforms {
		for _, name := range programNames {
			if err := r.buildProgram(ctx, name, on, built.path(name, on)); err != nil {
				os.RemoveAll(dir)
				return programs{}, err
			}
		}
	}
	return built, nil
}

// buildProgram compiles as `make build` does, and leaves out all that differs
// between two machines: paths, the state of the checkout, the build id.
func (r *release) buildProgram(ctx context.Context, name string, on platform, file string) error {
	fmt.Fprintln(r.log, "build", name, on)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "grpcnotrace",
		"-ldflags", "-s -w -buildid= -X main.version=v"+r.version, "-o", file, "./cmd/"+name)
	cmd.Dir = r.source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOPROXY=off", "GOOS="+on.os, "GOARCH="+on.arch, "GOAMD64=v1", "GOARM64=v8.0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s for %s: %w\n%s", name, on, err, strings.TrimSpace(string(out)))
	}
	return nil
}
