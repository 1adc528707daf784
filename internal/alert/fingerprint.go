package alert

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"bobwatch/internal/rule"
)

// Fingerprint names an incident of the subject by what stays the same when another
// replica, another process or the same one after a restart does the act again.
func (s *Subject) Fingerprint(broken rule.ID, act ...string) string {
	hash := sha256.New()
	write := func(field string) {
		// A length before each field keeps neighbours from running together.
		hash.Write(binary.AppendUvarint(nil, uint64(len(field))))
		hash.Write([]byte(field))
	}
	write(s.Workload.Namespace)
	write(s.Workload.Kind)
	write(s.Workload.Name)
	write(s.Container.Name)
	write(broken.String())
	for _, field := range act {
		write(field)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// identify names an alert. A record that is read twice, because the agent ended
// before it had reported it, gives the same name.
func identify(fingerprint string, subject *Subject, node string, at uint64) string {
	hash := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", fingerprint, node, subject.Container.ID, at))
	return hex.EncodeToString(hash[:16])
}
