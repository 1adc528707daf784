package lint

import (
	"fmt"

	"bobwatch/internal/profile"
	"bobwatch/internal/redact"
)

// Secrets looks for texts that seem to be credentials in the arguments and environments
// of programs. A document is signed, kept in ConfigMaps and pushed to registries, so a
// caller should refuse a document with a credential. The warnings do not repeat values. Patterns find further ones, as redact.patterns of the agent's
// configuration do.
func Secrets(p *profile.Profile, patterns []string) ([]Warning, error) {
	var l linter
	known, err := redact.New(patterns)
	if err != nil {
		return nil, err
	}
	for i := range p.Spec.Containers {
		for j, exec := range p.Spec.Containers[i].Execs {
			at := fmt.Sprintf("spec.containers[%d].execs[%d]", i, j)
			for k, arg := range exec.Args {
				if _, found := known.Argument(exec.Args[:k], arg); found {
					l.warn(fmt.Sprintf("%s.args[%d]", at, k), "holds what looks like a credential; write %s in its place, or ⋯ in place of the whole argument", redact.Placeholder)
				}
			}
			for k, env := range exec.Envs {
				if _, found := known.Argument(nil, env); found {
					l.warn(fmt.Sprintf("%s.envs[%d]", at, k), "holds what looks like a credential; leave it out")
				}
			}
		}
	}
	return l.warnings, nil
}
