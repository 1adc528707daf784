package catalog

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, path string, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

// watched is a directory whose looks the test takes one by one.
type watched struct {
	Directory
	published [][]Document
	failures  []string
}

func watch(path string) *watched {
	w := &watched{}
	w.Directory = Directory{
		Path:    path,
		Publish: func(d []Document) { w.published = append(w.published, d) },
		Failed:  func(err error) { w.failures = append(w.failures, err.Error()) },
	}
	return w
}

// settle looks until nothing can be left to publish, and returns the data of
// the documents published meanwhile, if any were, by name.
func (w *watched) settle() map[string]string {
	w.published = nil
	for range maxLooks + 2 {
		w.look()
	}
	if len(w.published) == 0 {
		return nil
	}
	got := make(map[string]string)
	for _, d := range w.published[len(w.published)-1] {
		got[d.Name] = string(d.Data)
		for _, s := range d.Signatures {
			got[d.Name] += "+" + string(s)
		}
		if d.Err != nil {
			got[d.Name] = "error: " + d.Err.Error()
		}
	}
	return got
}

func TestReadDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "web.yaml"), "web")
	write(t, filepath.Join(dir, "web.yaml.sig"), "signature")
	write(t, filepath.Join(dir, "big.yaml.gz"), string(compress(t, []byte("big"))))
	write(t, filepath.Join(dir, ".web.yaml.swp"), "an editor's")
	write(t, filepath.Join(dir, "huge.yaml"), strings.Repeat("#", MaxDocumentBytes+1))
	if err := os.Mkdir(filepath.Join(dir, "sub.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	documents, err := ReadDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, d := range documents {
		got[d.Name] = string(d.Data)
		if d.Err != nil {
			got[d.Name] = "error: " + strings.ReplaceAll(d.Err.Error(), dir, "DIR")
		}
	}
	want := map[string]string{
		"web":  "web",
		"big":  "big",
		"huge": "error: huge.yaml: limit exceeded: more than 16777216 bytes",
		"pipe": "error: pipe.yaml: DIR/pipe.yaml is not a regular file",
		"link": "error: link.yaml: open DIR/link.yaml: no such file or directory",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ReadDirectory (-want +got):\n%s", diff)
	}
}

func TestDirectoryPublishesChanges(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "web.yaml")
	w := watch(dir)
	steps := []struct {
		name   string
		change func() error
		want   map[string]string
	}{
		{"empty", func() error { return nil }, map[string]string{}},
		{"nothing", func() error { return nil }, nil},
		{"new file", func() error { return os.WriteFile(path, []byte("one"), 0o600) }, map[string]string{"web": "one"}},
		{"written to", func() error { return os.WriteFile(path, []byte("two "), 0o600) }, map[string]string{"web": "two "}},
		{"replaced", func() error {
			if err := os.WriteFile(path+".tmp", []byte("tri "), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".tmp", path)
		}, map[string]string{"web": "tri "}},
		{"signed", func() error { return os.WriteFile(path+".sig", []byte("s"), 0o600) }, map[string]string{"web": "tri +s"}},
		{"removed", func() error { return os.Remove(path) }, map[string]string{"web.yaml.sig": "error: no document web.yaml beside it"}},
	}
	for _, step := range steps {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, w.settle()); diff != "" {
			t.Errorf("%s: published (-want +got):\n%s", step.name, diff)
		}
	}
}

// A volume of a ConfigMap is a tree of links, and one rename changes them all.
func TestDirectoryFollowsMountedConfigMap(t *testing.T) {
	dir := t.TempDir()
	version := func(name, data string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "web.yaml"), data)
		write(t, filepath.Join(dir, name, "web.yaml.sig"), "s-"+data)
		if err := os.Symlink(name, filepath.Join(dir, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	version("..2026_01", "one")
	for _, name := range []string{"web.yaml", "web.yaml.sig"} {
		if err := os.Symlink("..data/"+name, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	w := watch(dir)
	if diff := cmp.Diff(map[string]string{"web": "one+s-one"}, w.settle()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	version("..2026_02", "two")
	if diff := cmp.Diff(map[string]string{"web": "two+s-two"}, w.settle()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

// A document and its signature that are written one after the other are
// published together.
func TestDirectoryWaitsForTheSignature(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "web.yaml")
	w := watch(dir)
	w.settle()
	w.published = nil
	write(t, path, "new")
	w.look()
	write(t, path+".sig", "s")
	w.look()
	if len(w.published) != 0 {
		t.Fatalf("published %v before the files came to rest", w.published)
	}
	if diff := cmp.Diff(map[string]string{"web": "new+s"}, w.settle()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

// A directory in which something changes all the time is published too.
func TestDirectoryDoesNotWaitForever(t *testing.T) {
	dir := t.TempDir()
	w := watch(dir)
	w.settle()
	w.published = nil
	for i := range maxLooks {
		write(t, filepath.Join(dir, "web.yaml"), strings.Repeat("x", i+1))
		w.look()
	}
	if len(w.published) == 0 {
		t.Errorf("nothing published after %d looks", maxLooks)
	}
}

func TestDirectoryThatGoesAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "profiles")
	w := watch(dir)
	if got := w.settle(); got != nil {
		t.Errorf("published %v of no directory", got)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "web.yaml"), "one")
	if diff := cmp.Diff(map[string]string{"web": "one"}, w.settle()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if got := w.settle(); got != nil {
		t.Errorf("published %v of a directory that is gone: what was published has to stay", got)
	}
	if len(w.failures) != 2 {
		t.Errorf("failures = %q, want one each time it was gone", w.failures)
	}
}

func TestDirectoryRefusesTooManyFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range maxFiles + 1 {
		write(t, filepath.Join(dir, strings.Repeat("x", 1+i%200)+string(rune('a'+i/200))), "")
	}
	if _, err := ReadDirectory(dir); err == nil || !strings.Contains(err.Error(), "maxFiles") {
		t.Errorf("ReadDirectory = %v, want the limit named", err)
	}
}

// TestDirectoryRun goes all the way: from a file on disk to what is in force.
func TestDirectoryRun(t *testing.T) {
	vendor := newSigner(t)
	r := newRecorder(t, vendor.policy(t))
	dir := t.TempDir()
	write(t, filepath.Join(dir, "web.yaml"), string(minimal("", "/one")))
	write(t, filepath.Join(dir, "web.sigstore.json"), string(vendor.sign(t, minimal("", "/one")).Bundle()))

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	var publications atomic.Int32
	d := Directory{Path: dir, Publish: func(documents []Document) {
		r.Publish(dir, documents)
		publications.Add(1)
	}}
	go func() {
		defer close(done)
		d.Run(ctx)
	}()
	waitFor(t, "the first publication", func() bool { return publications.Load() > 0 })
	if diff := cmp.Diff([]string{"/one"}, r.opens(shop)); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
	write(t, filepath.Join(dir, "web.yaml"), string(minimal("", "/two")))
	write(t, filepath.Join(dir, "web.sigstore.json"), string(vendor.sign(t, minimal("", "/two")).Bundle()))
	waitFor(t, "the change", func() bool { return cmp.Equal([]string{"/two"}, r.opens(shop)) })
	cancel()
	<-done
	if r.refused != nil {
		t.Errorf("refused on the way: %v", r.refused[0].Err)
	}
}

func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !happened() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
