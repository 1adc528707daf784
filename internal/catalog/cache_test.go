package catalog

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/signature"
)

func openCache(t *testing.T, policy signature.Policy, dir string) (*recorder, *Cache) {
	t.Helper()
	r := newRecorder(t, policy)
	c, err := NewCache(r.Catalog, dir, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	return r, c
}

// What was in force when a process ended is in force in the next, whatever its
// source has come to hold, and is refused when nobody trusts its signer any more.
func TestCacheOutlivesTheProcess(t *testing.T) {
	vendor := newSigner(t)
	good, evil := minimal("namespace: shop", "/good"), minimal("namespace: shop", "/evil")
	signed := Document{Name: "web/app", Namespace: "shop", Data: good, Signatures: [][]byte{vendor.sign(t, good).Plain()}}
	tampered := signed
	tampered.Data = evil
	other := Document{Name: "other", Data: minimal("namespace: shop", "/other"), Namespace: "shop"}
	other.Signatures = [][]byte{vendor.sign(t, other.Data).Bundle()}
	tests := map[string]struct {
		steps func(*Cache)
		want  []string
	}{
		"published":   {func(c *Cache) { c.Publish("map", []Document{signed, other}) }, []string{"/other", "/good"}},
		"two maps":    {func(c *Cache) { c.Publish("a", []Document{signed}); c.Publish("b", []Document{other}) }, []string{"/good", "/other"}},
		"tampered":    {func(c *Cache) { c.Publish("map", []Document{signed}); c.Publish("map", []Document{tampered}) }, []string{"/good"}},
		"only bad":    {func(c *Cache) { c.Publish("map", []Document{tampered}) }, nil},
		"taken out":   {func(c *Cache) { c.Publish("map", []Document{signed, other}); c.Publish("map", []Document{other}) }, []string{"/other"}},
		"withdrawn":   {func(c *Cache) { c.Publish("map", []Document{signed}); c.Withdraw("map") }, nil},
		"a neighbour": {func(c *Cache) { c.Publish("a", []Document{signed}); c.Publish("b", []Document{other}); c.Withdraw("b") }, []string{"/good"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, before := openCache(t, vendor.policy(t), dir)
			tt.steps(before)

			after, cache := openCache(t, vendor.policy(t), dir)
			sources := cache.Restore()
			if diff := cmp.Diff(tt.want, after.opens(shop)); diff != "" {
				t.Errorf("in force (-want +got):\n%s", diff)
			}
			if (sources == nil) != (tt.want == nil) {
				t.Errorf("sources %q", sources)
			}

			distrusting, cache := openCache(t, newSigner(t).policy(t), dir)
			cache.Restore()
			if got := distrusting.opens(shop); got != nil {
				t.Errorf("in force although its signer is not trusted: %q", got)
			}
		})
	}
}

// A file that cannot be read is told, and costs nothing else.
func TestCacheWithADamagedFile(t *testing.T) {
	dir := t.TempDir()
	_, before := openCache(t, accepting("shop"), dir)
	before.Publish("map", []Document{{Name: "web", Namespace: "shop", Data: minimal("", "/good")}})
	for name, text := range map[string]string{"damaged.json": "{", "half.json.new": "{"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := newRecorder(t, accepting("shop"))
	var told []error
	cache, err := NewCache(r.Catalog, dir, func(err error) { told = append(told, err) })
	if err != nil {
		t.Fatal(err)
	}
	cache.Restore()
	if diff := cmp.Diff([]string{"/good"}, r.opens(shop)); diff != "" || len(told) != 1 {
		t.Errorf("told %v; in force (-want +got):\n%s", told, diff)
	}
}
