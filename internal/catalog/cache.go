package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
)

// Cache publishes to a catalog, and keeps the last good version of each document in a
// directory: a document stays in force over restarts, even while its source cannot be
// reached or holds a version that is refused. A restored document is verified again.
//
// Its sources have to be published by one goroutine each.
type Cache struct {
	catalog *Catalog
	dir     string
	failed  func(error)
}

// NewCache returns a Cache in dir, which it makes. It calls failed for each document that
// it could not keep.
func NewCache(c *Catalog, dir string, failed func(error)) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make document cache: %w", err)
	}
	return &Cache{catalog: c, dir: dir, failed: failed}, nil
}

// kept is a document as it lies in a file.
type kept struct {
	Source     string   `json:"source"`
	Name       string   `json:"name"`
	File       string   `json:"file"`
	Namespace  string   `json:"namespace"`
	Data       []byte   `json:"data"`
	Signatures [][]byte `json:"signatures"`
	Values     []byte   `json:"values"`
}

// Restore publishes the kept documents, and returns their sources.
func (c *Cache) Restore() []string {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		c.failed(fmt.Errorf("read document cache: %w", err))
	}
	bySource := map[string][]Document{}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), keptSuffix) {
			continue // left over by a process that was killed while it wrote
		}
		k, err := readKept(filepath.Join(c.dir, entry.Name()))
		if err != nil {
			c.failed(fmt.Errorf("read document cache: %w", err))
			continue
		}
		bySource[k.Source] = append(bySource[k.Source], Document{
			Name: k.Name, File: k.File, Namespace: k.Namespace, Data: k.Data, Signatures: k.Signatures, Values: k.Values,
		})
	}
	for source, documents := range bySource {
		c.catalog.Publish(source, documents)
	}
	return slices.Sorted(maps.Keys(bySource))
}

func readKept(path string) (k kept, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(text, &k); err != nil {
		return k, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// Publish is Catalog.Publish.
func (c *Cache) Publish(source string, documents []Document) {
	c.catalog.Publish(source, documents)
	published := map[string]bool{}
	for _, s := range c.catalog.statesOf(source) {
		i := slices.IndexFunc(documents, func(d Document) bool { return d.Name == s.Name })
		if s.Refused == nil && i >= 0 {
			c.keep(source, &documents[i])
		}
		published[keptName(source, s.Name)] = true
	}
	c.dropOthers(source, published)
}

// Withdraw is Catalog.Withdraw.
func (c *Cache) Withdraw(source string) {
	c.catalog.Withdraw(source)
	c.dropOthers(source, nil)
}

func (c *Cache) keep(source string, d *Document) {
	text, err := json.Marshal(kept{
		Source: source, Name: d.Name, File: d.File, Namespace: d.Namespace,
		Data: d.Data, Signatures: d.Signatures, Values: d.Values,
	})
	if err == nil {
		err = renameio.WriteFile(filepath.Join(c.dir, keptName(source, d.Name)), text, 0o600, renameio.WithTempDir(c.dir))
	}
	if err != nil {
		c.failed(fmt.Errorf("keep document %s of %s: %w", d.Name, source, err))
	}
}

// dropOthers removes the files of a source that are not in published.
func (c *Cache) dropOthers(source string, published map[string]bool) {
	files, err := filepath.Glob(filepath.Join(c.dir, digestOf(source)+"-*"))
	if err != nil {
		c.failed(err)
	}
	for _, file := range files {
		if published[filepath.Base(file)] {
			continue
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.failed(fmt.Errorf("forget document: %w", err))
		}
	}
}

const keptSuffix = ".json"

// keptName names the file of a document, whose own name may not be one.
func keptName(source, document string) string {
	return digestOf(source) + "-" + digestOf(document) + keptSuffix
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
