package report

import (
	"cmp"

	"bobwatch/internal/profile"
)

// patch returns an allowance of all that was found and that a document can
// hold, nil if there is nothing.
func (t *Trial) patch(found []*finding) *profile.Profile {
	var containers []profile.Container
	for _, f := range found {
		if f.entry != nil {
			containers = append(containers, *f.entry)
		}
	}
	if len(containers) == 0 {
		return nil
	}
	return profile.Normalise(&profile.Profile{
		APIVersion: profile.APIVersion,
		Kind:       profile.Kind,
		Metadata: profile.Metadata{
			Name:   cmp.Or(t.Workload.Name, t.Document.Metadata.Name) + "-allowances",
			Labels: map[string]string{profile.AllowanceLabel: "true"},
		},
		Spec: profile.Spec{
			Workload: profile.Workload{
				Namespace: t.Workload.Namespace,
				Kind:      t.Workload.Kind,
				Name:      t.Workload.Name,
			},
			Containers: containers,
		},
	})
}
