package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"
)

// packageLists are apt's lists of Debian's packages in a directory of this
// project's own: the machine's may be old, or lack the suites that have the
// kernels, and are left as they are. The mirrors are the machine's own.
type packageLists struct {
	dir    string
	suites []string
}

// kernelSuites have the kernels: 6.1 in bookworm, 6.12 in its backports and in
// trixie, the newest in trixie's backports.
var kernelSuites = []string{
	"bookworm", "bookworm-security", "bookworm-backports", "trixie", "trixie-security", "trixie-backports",
}

// errMirror says that the machine's mirrors did not serve what was asked of them.
var errMirror = errors.New("reach the mirror")

// listsAge is the time after which the lists are fetched again. Mirrors keep
// superseded kernels for longer.
const listsAge = 7 * 24 * time.Hour

// aptConf keeps apt inside the directory {{.}}. The hooks that it clears would
// clean caches of the machine.
var aptConf = template.Must(template.New("").Parse(`
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "{{.}}";
Dir::State::Lists "{{.}}/lists";
Dir::State::Status "/dev/null";
Dir::Cache "{{.}}";
Dir::Etc::SourceList "{{.}}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Acquire::Languages "none";
Acquire::PDiffs "false";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Sandbox::User "root";
`))

// updateIfOld fetches the lists where there are none, or old ones. Old ones do
// where there is no network.
func (l packageLists) updateIfOld(ctx context.Context) error {
	info, err := os.Stat(filepath.Join(l.dir, "updated"))
	if err == nil && time.Since(info.ModTime()) < listsAge {
		return nil
	}
	updateErr := l.update(ctx)
	if updateErr != nil && err == nil {
		fmt.Fprintln(os.Stderr, "vm: using old package lists:", updateErr)
		return nil
	}
	return updateErr
}

// update fetches the lists from the machine's mirrors. A mirror that lacks one
// of the suites is no error: findKernel tells whether a kernel is missing.
func (l packageLists) update(ctx context.Context) error {
	uris, err := output(ctx, "apt-get", "update", "--print-uris")
	if err != nil {
		return err
	}
	sources := sourcesFrom(string(uris), l.suites)
	if len(sources) == 0 {
		return errors.New("find a mirror of Debian: apt's sources name none; add one to /etc/apt/sources.list")
	}
	for _, dir := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(l.dir, dir), 0o755); err != nil {
			return err
		}
	}
	var conf bytes.Buffer
	if err := aptConf.Execute(&conf, l.dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(l.dir, "apt.conf"), conf.Bytes(), 0o644); err != nil {
		return err
	}
	text := strings.Join(sources, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(l.dir, "sources.list"), []byte(text), 0o644); err != nil {
		return err
	}
	said, aptErr := l.command(ctx, "apt-get", "update", "-qq").CombinedOutput()
	lists, err := filepath.Glob(filepath.Join(l.dir, "lists", "*_Packages*"))
	if err != nil {
		return err
	}
	if len(lists) == 0 {
		return fmt.Errorf("fetch package lists into %s: %w: %w: %s", l.dir, errMirror, aptErr, said)
	}
	return os.WriteFile(filepath.Join(l.dir, "updated"), said, 0o644)
}

var (
	release     = regexp.MustCompile(`(?m)^'([^']+)/dists/([^/']+)/InRelease'`)
	debianSuite = regexp.MustCompile(
		`^(?:oldstable|stable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke)(-security)?$`)
)

// sourcesFrom returns the lines of a sources.list that has the suites on the
// mirrors of what `apt-get update --print-uris` printed. Repositories of others
// sometimes use Debian's names: they do not have the suites, or not signed by
// Debian, and apt ignores them.
func sourcesFrom(uris string, suites []string) []string {
	const options = "arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
	var sources []string
	for _, m := range release.FindAllStringSubmatch(uris, -1) {
		name := debianSuite.FindStringSubmatch(m[2])
		if name == nil {
			continue
		}
		security := name[1] != ""
		for _, suite := range suites {
			line := fmt.Sprintf("deb [%s] %s %s main", options, m[1], suite)
			if strings.HasSuffix(suite, "-security") == security && !slices.Contains(sources, line) {
				sources = append(sources, line)
			}
		}
	}
	return sources
}

// findKernel names the newest package that holds a kernel of the release.
func (l packageLists) findKernel(ctx context.Context, release string) (string, error) {
	out, err := l.command(ctx, "apt-cache", "pkgnames", "linux-image-").Output()
	if err != nil {
		return "", fmt.Errorf("find kernel %s: apt-cache: %w", release, err)
	}
	pkg, ok := newestOf(strings.Fields(string(out)), release)
	if !ok {
		return "", fmt.Errorf("find kernel %s: the package lists in %s have none; apt said so when it fetched them: %s",
			release, l.dir, filepath.Join(l.dir, "updated"))
	}
	return pkg, nil
}

// download puts the packages of a kernel into dir and returns their files'
// names. From 6.19 on, the package of a kernel is empty and depends on two
// others that have the files.
func (l packageLists) download(ctx context.Context, pkg, dir string) ([]string, error) {
	names, err := l.command(ctx, "apt-cache", "pkgnames", "linux-binary-").Output()
	if err != nil {
		return nil, fmt.Errorf("download %s: apt-cache: %w", pkg, err)
	}
	packages := []string{pkg}
	kernel := strings.TrimPrefix(pkg, "linux-image-")
	if slices.Contains(strings.Fields(string(names)), "linux-binary-"+kernel) {
		packages = []string{"linux-binary-" + kernel, "linux-modules-" + kernel}
	}
	get := l.command(ctx, "apt-get", append([]string{"download", "-qq"}, packages...)...)
	get.Dir = dir
	if out, err := get.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("download %s: %w: %w: %s", pkg, errMirror, err, out)
	}
	debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(debs) != len(packages) {
		return nil, fmt.Errorf("download %s: apt-get left %d packages, want %d", pkg, len(debs), len(packages))
	}
	return debs, nil
}

func (l packageLists) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, append([]string{"-c", filepath.Join(l.dir, "apt.conf")}, args...)...)
}
