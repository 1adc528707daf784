package main

import (
	"os"
	"strings"
)

// signaturePaths returns where the agent looks for the signatures of the
// document at path: the plain one, then the bundle.
func signaturePaths(path string) []string {
	base := strings.TrimSuffix(path, ".gz")
	name := base
	for _, suffix := range []string{".yaml", ".yml", ".json"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return []string{base + ".sig", name + ".sigstore.json"}
}

// existing returns the paths where a file is.
func existing(paths []string) []string {
	var found []string
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			found = append(found, path)
		}
	}
	return found
}
