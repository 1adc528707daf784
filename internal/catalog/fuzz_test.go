package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/profile"
	"bobwatch/internal/signature"
)

// FuzzConfigMap holds that whatever a map holds, its documents have names of
// their own and no more bytes than are allowed, and that none of them has
// effect that nobody vouched for.
func FuzzConfigMap(f *testing.F) {
	zipped := compress(f, []byte(webapp))
	f.Add("web.yaml", []byte(webapp), "web.yaml.sig", []byte("MEUCIQ=="))
	f.Add("web.yaml.gz", zipped, "web.sigstore.json", []byte("{}"))
	f.Add("web.yaml", zipped, "web.values.yaml", []byte("dataDir: x\n"))
	f.Add("web.yaml", []byte("{"), "web.yaml.gz", zipped[:20])
	f.Add("web.yaml.sig.yaml", []byte(webapp), "web.yaml.sig", []byte("x"))
	f.Fuzz(func(t *testing.T, key string, data []byte, binaryKey string, binary []byte) {
		m := ConfigMap{
			Namespace:  "shop",
			Name:       "bobs",
			Data:       map[string]string{key: string(data)},
			BinaryData: map[string][]byte{binaryKey: binary},
		}
		documents := m.Documents()
		if diff := cmp.Diff(documents, m.Documents(), cmp.Comparer(sameError)); diff != "" {
			t.Errorf("Documents differs from one call to the next:\n%s", diff)
		}
		names, total := make(map[string]bool), 0
		for _, d := range documents {
			if names[d.Name] {
				t.Errorf("two documents called %q", d.Name)
			}
			names[d.Name] = true
			total += len(d.Data)
		}
		if total > MaxDocumentBytes {
			t.Errorf("%d bytes, want at most %d", total, MaxDocumentBytes)
		}
		r := newRecorder(t, signature.Policy{})
		r.Publish(m.Source(), documents)
		if len(r.refused) != len(documents) {
			t.Errorf("%d of %d documents refused, want all", len(r.refused), len(documents))
		}
		if got := r.For(Query{Workload: profile.Workload{Namespace: "shop"}}); got.Containers != nil {
			t.Errorf("in force without a signature: %v", got)
		}
	})
}

// sameError lets cmp look at errors.
func sameError(a, b error) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error())
}

func FuzzParseValues(f *testing.F) {
	f.Add([]byte("clientCIDR: 10.0.0.0/8\nport: 8080 # http\nname: 'a: b'\n"))
	f.Add([]byte("a: &x b\nc: *x\n"))
	f.Add([]byte("a:\n  b: [c]\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxValuesBytes {
			return
		}
		values, err := ParseValues("values.yaml", data)
		if err == nil && len(values) > len(data) {
			t.Errorf("%d values of %d bytes", len(values), len(data))
		}
	})
}
