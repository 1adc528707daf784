package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers the format
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers the format
)

const (
	maintainer = "The bobwatch authors <authors@bobwatch.example>"
	summary    = "Learns what containers and services do, and reports when they leave it"
)

// writePackages writes a deb and an rpm for each platform of the agent.
func (r *release) writePackages(built programs) error {
	for _, on := range r.platforms {
		for _, format := range []string{"deb", "rpm"} {
			if err := r.writePackage(built, on, format); err != nil {
				return fmt.Errorf("%s for %s: %w", format, on, err)
			}
		}
	}
	return nil
}

func (r *release) writePackage(built programs, on platform, format string) error {
	linux := filepath.Join(r.source, "deploy", "linux")
	content := func(source, destination, kind string, mode os.FileMode) *files.Content {
		return &files.Content{
			Source: source, Destination: destination, Type: kind,
			FileInfo: &files.ContentFileInfo{Mode: mode, MTime: r.time, Owner: "root", Group: "root"},
		}
	}
	contents := files.Contents{
		content(built.path("agent", on), "/usr/sbin/bobwatch-agent", "", 0o755),
		content(built.path("bobctl", on), "/usr/bin/bobctl", "", 0o755),
		content(filepath.Join(linux, "bobwatch.service"), "/usr/lib/systemd/system/bobwatch.service", "", 0o644),
		content(filepath.Join(linux, "agent.yaml"), "/etc/bobwatch/agent.yaml", "config|noreplace", 0o644),
		{Destination: "/etc/bobwatch/profiles", Type: "dir", FileInfo: &files.ContentFileInfo{Mode: 0o755, MTime: r.time}},
	}
	for _, name := range papers {
		contents = append(contents, content(filepath.Join(r.source, name), "/usr/share/doc/bobwatch/"+name, "", 0o644))
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "bobwatch", Arch: on.arch, Platform: on.os, Version: r.version, MTime: r.time,
		Section: "admin", Priority: "optional", Maintainer: maintainer, Vendor: "bobwatch",
		Description: summary, Homepage: r.home, License: "Apache-2.0",
		Overridables: nfpm.Overridables{
			Contents: contents,
			Scripts: nfpm.Scripts{
				PostInstall: filepath.Join(linux, "postinstall.sh"),
				PreRemove:   filepath.Join(linux, "preremove.sh"),
				PostRemove:  filepath.Join(linux, "postremove.sh"),
			},
			RPM: nfpm.RPM{BuildHost: "bobwatch", Summary: summary},
		},
	})
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(r.out, r.packageName(on, format)))
	if err != nil {
		return err
	}
	if err := packager.Package(info, f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// packageName follows the names of the archives, which sort next to it.
func (r *release) packageName(on platform, format string) string {
	return fmt.Sprintf("bobwatch_%s_%s.%s", strings.ReplaceAll(r.version, "-", "~"), on.arch, format)
}
