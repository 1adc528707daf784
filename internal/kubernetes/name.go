package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"bobwatch/internal/workload"
)

const (
	maxName       = 253 // bytes of an object's name
	maxLabelValue = 63  // bytes of a label's
	digestLength  = 10  // hexadecimal digits in a label's value that was cut
	// nameDigest is how many hexadecimal digits tell the names of learned
	// profiles apart. All are in one namespace, and a tenant chooses what its
	// workloads and images are called: it must not find one that collides.
	nameDigest = 32
)

// LearnedName returns the name of the ConfigMap with the learned profile of a workload
// container.
func LearnedName(key workload.Key) string {
	name := strings.ToLower("bob-" + key.OwnerKind + "-" + key.OwnerName + "-" + key.Container)
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, name)
	return cutName(name, maxName-1-nameDigest) + "-" + digestOf(key.String(), nameDigest)
}

// LabelValue returns text as the value of a label, which holds 63 bytes.
func LabelValue(text string) string {
	if len(text) <= maxLabelValue {
		return text
	}
	return text[:maxLabelValue-1-digestLength] + "-" + digestOf(text, digestLength)
}

func digestOf(text string, digits int) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])[:digits]
}

// cutName cuts a name to n bytes such that it can stand before a dot or a dash.
func cutName(name string, n int) string {
	if len(name) > n {
		name = name[:n]
	}
	return strings.TrimRight(name, "-.")
}
