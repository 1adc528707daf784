// Command release builds everything that a release publishes, into one folder:
// archives, Debian and RPM packages, the image and the chart as OCI layouts, a
// krew manifest, a bill of materials, provenance and checksums, all signed.
//
// The same commit, version and Go give the same bytes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// release is one run: what it builds, and from where.
type release struct {
	source    string // the root of the source tree
	out       string // the folder of the results
	version   string // without the v
	commit    string
	home      string    // the address of the project, below which releases are
	time      time.Time // of the commit; the time of every file in every archive
	platforms []platform
	log       io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "release:", err)
			os.Exit(1)
		}
	}
}

func run(ctx context.Context, args []string, log io.Writer) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(log)
	version := flags.String("version", "", "the version, such as 0.1.0; required")
	out := flags.String("out", "dist", "the folder of the results; it must be empty or missing")
	source := flags.String("source", ".", "the root of the source tree")
	home := flags.String("home", "https://bobwatch.example", "the address of the project, below which the files of the release will be")
	only := flags.String("platform", "", "build for this platform alone, such as linux/amd64")
	key := flags.String("key", "", "PEM file with the private key that signs; its passphrase is in COSIGN_PASSWORD")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r, err := newRelease(ctx, *source, *out, *version)
	if err != nil {
		return err
	}
	r.log, r.home = log, strings.TrimSuffix(*home, "/")
	if r.platforms, err = choose(*only); err != nil {
		return err
	}
	signer, err := loadKey(*key)
	if err != nil {
		return err
	}
	if err := r.build(ctx); err != nil {
		return err
	}
	if err := r.sign(signer); err != nil {
		return err
	}
	fmt.Fprintln(log, "release", r.version, "is in", r.out)
	return nil
}

// choose returns the platform of a name, or all.
func choose(name string) ([]platform, error) {
	if name == "" {
		return platforms, nil
	}
	for _, p := range platforms {
		if p.os+"/"+p.arch == name {
			return []platform{p}, nil
		}
	}
	return nil, fmt.Errorf("-platform %s: want one of linux/amd64, linux/arm64", name)
}

// versionForm is a semantic version without build metadata, which neither
// packages nor image tags can say.
var versionForm = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$`)

func newRelease(ctx context.Context, source, out, version string) (*release, error) {
	version = strings.TrimPrefix(version, "v")
	if !versionForm.MatchString(version) {
		return nil, fmt.Errorf("-version %q: want a version such as 0.1.0 or 0.1.0-rc1", version)
	}
	switch entries, err := os.ReadDir(out); {
	case err == nil && len(entries) > 0:
		return nil, fmt.Errorf("-out %s: the folder is not empty", out)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	absolute, err := filepath.Abs(out)
	if err != nil {
		return nil, err
	}
	r := &release{source: source, out: absolute, version: version}
	last, err := output(ctx, source, "git", "log", "-1", "--format=%H %ct")
	if err != nil {
		return nil, err
	}
	commit, seconds, _ := strings.Cut(strings.TrimSpace(last), " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("time of the last commit: %w", err)
	}
	r.commit, r.time = commit, time.Unix(unix, 0).UTC()
	return r, os.MkdirAll(absolute, 0o755)
}

// build makes every file of the release but signatures.
func (r *release) build(ctx context.Context) error {
	built, err := r.buildPrograms(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(built.dir)
	steps := []struct {
		name string
		run  func(programs) error
	}{
		{"archives", r.writeArchives},
		{"packages", r.writePackages},
		{"image", r.writeImage},
		{"chart", r.writeChart},
		{"krew manifest", r.writeKrew},
		{"bill of materials", r.writeSBOM},
		{"how to verify", r.writeVerify},
		{"provenance", r.writeProvenance},
		{"checksums", r.writeChecksums},
	}
	for _, step := range steps {
		fmt.Fprintln(r.log, "write", step.name)
		if err := step.run(built); err != nil {
			return fmt.Errorf("write %s: %w", step.name, err)
		}
	}
	return nil
}

// output runs a command in a folder and returns its standard output.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out), nil
}
