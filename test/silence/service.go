package silence

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"bobwatch/internal/testenv"
)

// services holds one archive for each service:
//
//	start         the container's entrypoint, a shell script
//	client        functions for bash on the host: ready, load N, same, change
//	expected      alerts that a person would want, each with its reason
//	/absolute     a file of the image
//
//go:embed services/*.txtar
var services embed.FS

// service is a program, and the ways in which it is used.
type service struct {
	name   string
	files  []testenv.File // of its image, the entrypoint among them
	client []byte         // bash functions; see prelude.sh
	// expected are parts of messages of alerts that somebody would want to read,
	// although the act is legitimate.
	expected []string
}

// load returns the services called names, or all.
func load(names []string) ([]*service, error) {
	entries, err := services.ReadDir("services")
	if err != nil {
		return nil, err
	}
	var all []*service
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".txtar")
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		text, err := services.ReadFile(path.Join("services", e.Name()))
		if err != nil {
			return nil, err
		}
		s, err := parse(name, text)
		if err != nil {
			return nil, fmt.Errorf("read service %s: %w", name, err)
		}
		all = append(all, s)
	}
	if len(names) > 0 && len(all) != len(names) {
		return nil, fmt.Errorf("find services %s: only %d are known", strings.Join(names, ", "), len(all))
	}
	return all, nil
}

func parse(name string, text []byte) (*service, error) {
	s := &service{name: name}
	for _, f := range txtar.Parse(text).Files {
		switch {
		case f.Name == "start":
			script := append([]byte("#!/bin/sh\n"), f.Data...)
			s.files = append(s.files, testenv.File{Path: "/entrypoint.sh", Mode: 0o755, Data: script})
		case f.Name == "client":
			s.client = f.Data
		case f.Name == "expected":
			s.expected = parseExpected(string(f.Data))
		case path.IsAbs(f.Name):
			mode := int64(0o644)
			if strings.HasPrefix(string(f.Data), "#!") {
				mode = 0o755
			}
			s.files = append(s.files, testenv.File{Path: f.Name, Mode: mode, Data: f.Data})
		default:
			return nil, fmt.Errorf("section %q: want start, client, expected or an absolute path", f.Name)
		}
	}
	if len(s.files) == 0 || len(s.client) == 0 {
		return nil, fmt.Errorf("sections start and client are needed")
	}
	return s, nil
}

// parseExpected reads lines of "part of a message  # reason".
func parseExpected(text string) []string {
	var parts []string
	for line := range strings.Lines(text) {
		part, _, _ := strings.Cut(line, " #")
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
