package allowance

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/term"
)

// Act holds the acts that a command line allows, and the container.
type Act struct {
	Container string
	Typ       string
	Syscalls  []string
	exec      string
	args      []string
	opens     []string
	flags     []string
	changes   []string
	acts      []string
	network   networkAct
}

// Register registers the flags that name acts.
func (a *Act) Register(flags *pflag.FlagSet) {
	flags.StringVar(&a.Container, "container", "", "`NAME` of the container (default: every container of the type)")
	flags.StringVar(&a.Typ, "type", "container", "`TYPE` of the container: container, init or ephemeral")
	flags.StringArrayVar(&a.Syscalls, "syscall", nil, "allow the system call `NAME` (repeatable)")
	flags.StringVar(&a.exec, "exec", "", "allow executing the program at `PATH`, with the arguments of --arg")
	flags.StringArrayVar(&a.args, "arg", nil, "`ARGUMENT` of --exec, the program's name first (repeatable); ⋯ is any one argument, ⋯⋯ any number (default: no arguments)")
	flags.StringArrayVar(&a.opens, "open", nil, "allow opening the file at `PATH` (repeatable)")
	flags.StringSliceVar(&a.flags, "flags", nil, "`ACCESS` for --open: O_RDONLY, O_WRONLY, O_RDWR or O_PATH")
	flags.StringArrayVar(&a.changes, "change", nil, "allow changing the file or name at `PATH` by the acts of --acts (repeatable)")
	flags.StringSliceVar(&a.acts, "acts", nil, "`ACT` of --change, such as rename, unlink, link, symlink, mkdir, chmod or setuid")
	a.network.register(flags)
}

// AccessFlags decide what an open may do; without one of them it may do all.
var AccessFlags = []string{"O_RDONLY", "O_WRONLY", "O_RDWR", "O_PATH"}

// Check refuses acts that a document cannot express, or would express by accident.
func (a *Act) Check() error {
	isAccess := func(flag string) bool { return slices.Contains(AccessFlags, flag) }
	switch {
	case len(a.Syscalls) == 0 && a.exec == "" && len(a.opens)+len(a.changes) == 0 && a.network.empty():
		return term.Usagef("name what to allow: --syscall NAME, --exec PATH, --open PATH, --change PATH, or one of the network, such as --egress PEER,PROTOCOL,PORT")
	case len(a.args) > 0 && a.exec == "":
		return term.Usagef("--arg is an argument of a program: name it by --exec PATH")
	case len(a.opens) == 0 && len(a.flags) > 0:
		return term.Usagef("--flags is the access of a file: name it by --open PATH")
	case len(a.opens) > 0 && !slices.ContainsFunc(a.flags, isAccess):
		return term.Usagef("name the access to %s: --flags %s", term.Word(a.opens[0]), strings.Join(AccessFlags, ", "))
	case len(a.changes) == 0 && len(a.acts) > 0:
		return term.Usagef("--acts are those on a file: name it by --change PATH")
	case len(a.changes) > 0 && len(a.acts) == 0:
		return term.Usagef("name what changes %s: --acts %s", term.Word(a.changes[0]), event.ChangeNames())
	case slices.Contains(a.opens, ""):
		return term.Usagef("--open: the path is empty")
	case !slices.Contains([]string{"container", "init", "ephemeral"}, a.Typ):
		return term.Usagef("--type %s: want container, init or ephemeral", a.Typ)
	}
	for _, text := range slices.Concat([]string{a.Container, a.exec}, a.args, a.opens, a.flags, a.changes, a.acts) {
		if !utf8.ValidString(text) {
			return term.Usagef("%q is not UTF-8, and no document can hold it", text)
		}
	}
	return nil
}

// Entries returns the executions and opens. Without arguments a program has
// none, rather than any: who wants any says so by ⋯⋯.
func (a *Act) Entries() (execs []profile.Exec, opens []profile.Open) {
	if a.exec != "" {
		execs = []profile.Exec{{Path: a.exec, Args: a.args, ArgsRequired: len(a.args) == 0}}
	}
	for _, path := range a.opens {
		opens = append(opens, profile.Open{Path: path, Flags: a.flags})
	}
	return execs, opens
}

// Changes returns the changes of files.
func (a *Act) Changes() (changes []profile.Change) {
	for _, path := range a.changes {
		changes = append(changes, profile.Change{Path: path, Acts: a.acts})
	}
	return changes
}

// calls returns the system calls by architecture: arch, or where that is empty
// both that have nodes.
func (a *Act) calls(arch string) (map[string][]string, error) {
	architectures := []string{"amd64", "arm64"}
	if arch != "" {
		architectures = []string{arch}
	}
	byArch := make(map[string][]string)
	for _, name := range a.Syscalls {
		known := false
		for _, arch := range architectures {
			if _, ok := syscalls.Number(arch, name); ok {
				byArch[arch] = append(byArch[arch], name)
				known = true
			}
		}
		if !known {
			return nil, term.Usagef("--syscall %s: no such system call on %s", term.Word(name), strings.Join(architectures, " or "))
		}
	}
	return byArch, nil
}
