// Package allowance makes allowances: documents that add accepted acts of a workload
// to other documents. It reads acts from command lines and from alerts.
package allowance

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"

	"github.com/spf13/pflag"

	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/lint"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/term"
)

// Allowance is an act with the workload it is allowed to.
type Allowance struct {
	Act
	workload string
	arch     string
}

// Register registers the flags that name acts and the workload.
func (a *Allowance) Register(flags *pflag.FlagSet) {
	flags.StringVar(&a.workload, "workload", "", "`NAMESPACE/KIND/NAME` of the workload")
	a.Act.Register(flags)
	flags.StringVar(&a.arch, "arch", "", "`ARCH` of --syscall: amd64, arm64, 386 or arm (default: amd64 and arm64)")
}

// Profile returns the allowance as a document.
func (a *Allowance) Profile() (*profile.Profile, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	workload, err := docfile.ParseWorkload(a.workload)
	if err != nil {
		return nil, term.Usagef("--workload %s: %v; without a name every workload would be allowed this", term.Word(a.workload), err)
	}
	if a.arch != "" && !syscalls.Supported(a.arch) {
		return nil, term.Usagef("--arch %s: want amd64, arm64, 386 or arm", term.Word(a.arch))
	}
	calls, err := a.calls(a.arch)
	if err != nil {
		return nil, err
	}
	execs, opens := a.Entries()
	network, err := a.Network()
	if err != nil {
		return nil, err
	}
	return document(workload, profile.Container{
		Name:     a.Container,
		Type:     profile.ContainerType(a.Typ),
		Syscalls: calls,
		Execs:    execs,
		Opens:    opens,
		Changes:  a.Changes(),
		Network:  network,
	}), nil
}

// document returns an allowance that adds to the documents of a workload.
func document(workload profile.Workload, c profile.Container) *profile.Profile {
	return profile.Normalise(&profile.Profile{
		APIVersion: profile.APIVersion,
		Kind:       profile.Kind,
		Metadata: profile.Metadata{
			Name:   workload.Name + "-allowances",
			Labels: map[string]string{profile.AllowanceLabel: "true"},
		},
		Spec: profile.Spec{
			Workload:   workload,
			Containers: []profile.Container{c},
		},
	})
}

// Warn warns about likely mistakes, once for both architectures.
func Warn(t *term.Terminal, addition *profile.Profile) {
	said := make(map[string]bool)
	for _, w := range lint.Warnings(addition) {
		if !said[w.Message] {
			fmt.Fprintf(t.Err, "warning: %s\n", term.Escape(w.Message))
		}
		said[w.Message] = true
	}
}

// ReadFile returns the documents of the file at path; none if there is
// no such file.
func ReadFile(path string) ([]*profile.Profile, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	documents, err := docfile.Parse(path, data)
	if err != nil {
		return nil, err
	}
	for _, p := range documents {
		if !p.IsAllowance() {
			return nil, fmt.Errorf("%s: %s is no allowance but a profile (it lacks the label %s: \"true\"); add to a profile by bobctl patch, or name another --file",
				path, term.Word(p.Metadata.Name), profile.AllowanceLabel)
		}
	}
	return documents, nil
}

// Add returns documents with addition among them, or nil if nothing
// would change.
func Add(documents []*profile.Profile, addition *profile.Profile) ([]*profile.Profile, error) {
	next := append([]*profile.Profile(nil), documents...)
	for i, p := range next {
		if !reflect.DeepEqual(p.Spec.Workload, addition.Spec.Workload) {
			continue
		}
		added := *addition
		added.Metadata = p.Metadata
		merged, err := profile.Merge(p, &added)
		if err != nil {
			return nil, err
		}
		if reflect.DeepEqual(merged.Spec.Containers, p.Spec.Containers) {
			return nil, nil
		}
		next[i] = merged
		return next, nil
	}
	return append(next, addition), nil
}
