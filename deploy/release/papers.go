package main

import (
	"bytes"
	"crypto/sha1"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
	"sigs.k8s.io/yaml"
)

// downloads is where the files of a release can be had.
func (r *release) downloads(name string) string {
	return r.home + "/releases/download/v" + r.version + "/" + name
}

// writeKrew writes the manifest that makes bobctl `kubectl bob`.
func (r *release) writeKrew(programs) error {
	var platforms []map[string]any
	for _, on := range r.platforms {
		name := r.archiveName(on)
		sum, err := sha256File(filepath.Join(r.out, name))
		if err != nil {
			return err
		}
		platforms = append(platforms, map[string]any{
			"selector": map[string]any{"matchLabels": map[string]string{"os": on.os, "arch": on.arch}},
			"uri":      r.downloads(name), "sha256": sum, "bin": "bobctl",
			"files": []map[string]string{{"from": "bobctl", "to": "."}, {"from": "LICENSE", "to": "."}},
		})
	}
	data, err := yaml.Marshal(map[string]any{
		"apiVersion": "krew.googlecontainertools.github.com/v1alpha2", "kind": "Plugin",
		"metadata": map[string]string{"name": "bob"},
		"spec": map[string]any{
			"version": "v" + r.version, "homepage": r.home,
			"shortDescription": "Work with Bills of Behavior and the agents that guard by them",
			"description":      summary + ".\nRecords, signs, tests and installs Bills of Behavior, and shows alerts.\n",
			"platforms":        platforms,
		},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, "bob.yaml"), data, 0o644)
}

// writeSBOM writes an SPDX document of the modules in every binary, as the
// binaries themselves name them.
func (r *release) writeSBOM(built programs) error {
	modules := map[string]string{} // version of each path
	for _, on := range r.platforms {
		for _, name := range programNames {
			info, err := buildinfo.ReadFile(built.path(name, on))
			if err != nil {
				return err
			}
			for _, m := range info.Deps {
				modules[m.Path] = m.Version
			}
		}
	}
	root := &spdx.Package{
		PackageName: "bobwatch", PackageSPDXIdentifier: "Package-bobwatch", PackageVersion: r.version,
		PackageDownloadLocation: r.downloads(""), PackageLicenseConcluded: "Apache-2.0", PackageLicenseDeclared: "Apache-2.0",
		PackageCopyrightText: "NOASSERTION",
	}
	packages := []*spdx.Package{root, modulePackage("stdlib", strings.TrimPrefix(runtime.Version(), "go"))}
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		packages = append(packages, modulePackage(path, modules[path]))
	}
	relations := []*spdx.Relationship{{
		RefA: common.MakeDocElementID("", "DOCUMENT"), RefB: common.MakeDocElementID("", string(root.PackageSPDXIdentifier)),
		Relationship: common.TypeRelationshipDescribe,
	}}
	for _, p := range packages[1:] {
		relations = append(relations, &spdx.Relationship{
			RefA:         common.MakeDocElementID("", string(root.PackageSPDXIdentifier)),
			RefB:         common.MakeDocElementID("", string(p.PackageSPDXIdentifier)),
			Relationship: common.TypeRelationshipDependsOn,
		})
	}
	data, err := json.MarshalIndent(&spdx.Document{
		SPDXVersion: spdx.Version, DataLicense: spdx.DataLicense, SPDXIdentifier: "DOCUMENT",
		DocumentName:      "bobwatch-" + r.version,
		DocumentNamespace: r.home + "/spdx/" + r.version + "/" + r.commit,
		CreationInfo: &spdx.CreationInfo{
			Created:  r.time.Format("2006-01-02T15:04:05Z"),
			Creators: []common.Creator{{CreatorType: "Tool", Creator: "bobwatch-release"}},
		},
		Packages: packages, Relationships: relations,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, fmt.Sprintf("bobwatch_%s.spdx.json", r.version)), append(data, '\n'), 0o644)
}

func modulePackage(path, version string) *spdx.Package {
	sum := sha1.Sum([]byte(path)) // a name that SPDX allows, and nothing more
	locator := fmt.Sprintf("pkg:golang/%s@%s", path, version)
	return &spdx.Package{
		PackageName: path, PackageSPDXIdentifier: common.ElementID("Package-go-" + hex.EncodeToString(sum[:8])),
		PackageVersion: version, PackageDownloadLocation: "NOASSERTION",
		PackageLicenseConcluded: "NOASSERTION", PackageLicenseDeclared: "NOASSERTION", PackageCopyrightText: "NOASSERTION",
		PackageExternalReferences: []*spdx.PackageExternalReference{{
			Category: "PACKAGE-MANAGER", RefType: common.TypePackageManagerPURL, Locator: locator,
		}},
	}
}

// writeVerify writes the script that checks a folder of downloaded files.
func (r *release) writeVerify(programs) error {
	data, err := os.ReadFile(filepath.Join(r.source, "deploy", "linux", "verify.sh"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, "verify.sh"), data, 0o755)
}

// writeProvenance writes an in-toto statement with SLSA's provenance: which
// commit, built how, became which files.
func (r *release) writeProvenance(programs) error {
	files, err := filesBelow(r.out)
	if err != nil {
		return err
	}
	type resource struct {
		Name   string            `json:"name,omitempty"`
		URI    string            `json:"uri,omitempty"`
		Digest map[string]string `json:"digest"`
	}
	var subjects []resource
	for _, f := range files {
		subjects = append(subjects, resource{Name: f.name, Digest: map[string]string{"sha256": sha256Of(f.data)}})
	}
	data, err := json.MarshalIndent(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "subject": subjects,
		"predicateType": "https://slsa.dev/provenance/v1",
		"predicate": map[string]any{
			"buildDefinition": map[string]any{
				"buildType":            r.home + "/blob/main/docs/release.md",
				"externalParameters":   map[string]string{"version": r.version},
				"internalParameters":   map[string]string{"go": runtime.Version()},
				"resolvedDependencies": []resource{{URI: "git+" + r.home, Digest: map[string]string{"gitCommit": r.commit}}},
			},
			"runDetails": map[string]any{"builder": map[string]string{"id": r.home + "/blob/main/deploy/release"}},
		},
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, fmt.Sprintf("bobwatch_%s.intoto.json", r.version)), append(data, '\n'), 0o644)
}

const checksums = "checksums.txt"

// writeChecksums writes the digests of all other files, as sha256sum does.
func (r *release) writeChecksums(programs) error {
	files, err := filesBelow(r.out)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&b, "%s  %s\n", sha256Of(f.data), f.name)
	}
	return os.WriteFile(filepath.Join(r.out, checksums), b.Bytes(), 0o644)
}
