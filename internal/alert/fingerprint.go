package alert

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/process"
	"bobwatch/internal/profile/generalise"
	"bobwatch/internal/rule"
)

// fingerprint names an incident by what stays the same when another replica,
// another process or the same one after a restart does it again.
func fingerprint(subject *Subject, broken rule.ID, act []string) string {
	hash := sha256.New()
	write := func(field string) {
		// A length before each field keeps neighbours from running together.
		hash.Write(binary.AppendUvarint(nil, uint64(len(field))))
		hash.Write([]byte(field))
	}
	write(subject.Workload.Namespace)
	write(subject.Workload.Kind)
	write(subject.Workload.Name)
	write(subject.Container.Name)
	write(broken.String())
	for _, field := range act {
		write(field)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// acted returns what deviated, in generalised form, and the binary that did
// it. For an execution that is the one it was launched by, so that a shell
// started by the web server and one started from outside are two incidents.
func acted(broken rule.ID, e *event.Event, chain *process.Chain) []string {
	switch e.Kind {
	case event.KindSyscall:
		return []string{
			strconv.Itoa(int(e.ABI)), strconv.FormatUint(uint64(e.Nr), 10),
			generalise.Program(chain[0].Exe),
		}
	case event.KindExec:
		program := generalise.Program(string(e.Path))
		fields := []string{program, generalise.Program(chain[1].Exe)}
		if broken == rule.UnexpectedArguments {
			fields = append(fields, foldArgs(program, strings.Split(chain[0].Args, "\x00"))...)
		}
		return fields
	case event.KindOpen:
		return []string{
			foldPath(string(e.Path)), accessFlag(e.Access),
			strconv.FormatBool(e.Has(event.FlagRefused)), generalise.Program(chain[0].Exe),
		}
	}
	return []string{foldPath(string(e.Path)), generalise.Program(chain[0].Exe)}
}
