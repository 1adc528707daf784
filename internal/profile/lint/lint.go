// Package lint warns of documents that are valid, but say something else than
// their author is likely to mean.
package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/interpreter"
	"bobwatch/internal/peer"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/kubescape"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/severity"
	"bobwatch/internal/syscalls"
)

// Warning is a likely mistake in a document, or a fact that users who trust the document
// should know.
type Warning struct {
	Field   string `json:"field"` // as in spec.containers[0].opens[3].path
	Message string `json:"message"`
}

// String returns "field: message".
func (w Warning) String() string { return w.Field + ": " + w.Message }

// Warnings looks for entries that allow much more than a workload needs: bindings to
// everything, patterns that swallow whole lists, dangerous calls and capabilities; and
// for facts that make the document worth less than it seems. None of them makes a
// document invalid. p has to be normalised.
func Warnings(p *profile.Profile) []Warning {
	var l linter
	l.binding(p)
	l.provenance(p)
	if p.IsAllowance() && len(p.Spec.Senses) > 0 {
		l.warn("spec.senses", "has no effect: an allowance only adds to what other documents speak for")
	}
	for i := range p.Spec.Containers {
		at, c := fmt.Sprintf("spec.containers[%d]", i), &p.Spec.Containers[i]
		l.container(at, c)
		if !p.IsAllowance() {
			l.emptiness(at, p, c)
		}
	}
	return l.warnings
}

type linter struct {
	warnings []Warning
}

func (l *linter) warn(field, format string, args ...any) {
	l.warnings = append(l.warnings, Warning{Field: field, Message: fmt.Sprintf(format, args...)})
}

func (l *linter) binding(p *profile.Profile) {
	w := p.Spec.Workload
	if w.Name == "" && len(w.Labels) == 0 {
		where := "every namespace"
		if w.Namespace != "" {
			where = "namespace " + w.Namespace
		}
		l.warn("spec.workload", "names no workload and no labels, so it applies to every one of its kind in %s", where)
	}
	if p.Spec.Kubescape[kubescape.KeyMatchExpressions] != nil {
		l.warn("spec.kubescape.matchExpressions", "is not understood, so the document applies to more than was selected")
	}
}

func (l *linter) provenance(p *profile.Profile) {
	const field = "spec.provenance"
	switch p.Spec.Provenance.Completeness {
	case profile.Learning:
		l.warn(field, "learning had not ended; what the workload did later is missing")
	case profile.Partial:
		if status := p.Metadata.Annotations[kubescape.AnnotationStatus]; status != "" && status != "completed" {
			l.warn(field, "is partial: Kubescape gave the profile up as %q", status)
			break
		}
		l.warn(field, "is partial: %s", strings.Join(p.Spec.Provenance.PartialReasons(), ", "))
	}
	if lost := p.Spec.Provenance.Lost; lost > 0 {
		l.warn(field, "%d records were lost while learning", lost)
	}
}

func (l *linter) container(at string, c *profile.Container) {
	if c.Name == "" {
		l.warn(at+".name", "is empty, so this applies to every container")
	}
	for _, arch := range slices.Sorted(maps.Keys(c.Syscalls)) {
		l.syscalls(at+".syscalls."+arch, c.Syscalls[arch])
	}
	if unknown, ok := c.Kubescape[kubescape.KeySyscalls].([]any); ok {
		l.warn(at+".kubescape.syscalls", "names no system call of the document's architectures: %v", unknown)
	}
	l.texts(at+".images", c.Images)
	for i, capability := range c.Capabilities {
		if slices.Contains(dangerousCapabilities, capability) {
			l.warn(fmt.Sprintf("%s.capabilities[%d]", at, i), "%s is as good as root on the node", capability)
		}
	}
	for i, exec := range c.Execs {
		l.exec(fmt.Sprintf("%s.execs[%d]", at, i), exec)
	}
	for i, open := range c.Opens {
		l.path(fmt.Sprintf("%s.opens[%d].path", at, i), open.Path, "file")
	}
	for i, d := range c.Directories {
		l.path(fmt.Sprintf("%s.directories[%d].path", at, i), d.Path, "file")
	}
	for i, change := range c.Changes {
		at := fmt.Sprintf("%s.changes[%d]", at, i)
		l.path(at+".path", change.Path, "change")
		if acts := profile.ActsOf(change.Acts); acts.Has(event.ChangeSetuid) || acts.Has(event.ChangeSetcap) {
			l.warn(at+".acts", "lets the container give programs the rights of others")
		}
	}
	l.neighbors(at+".network.egress", c.Network.Egress)
	l.neighbors(at+".network.ingress", c.Network.Ingress)
	for i, e := range c.Endpoints {
		l.text(fmt.Sprintf("%s.endpoints[%d].endpoint", at, i), e.Endpoint)
	}
}

// emptiness warns of sections that a profile speaks for and leaves empty, which
// allows nothing, and of those that it lists and does not speak for.
func (l *linter) emptiness(at string, p *profile.Profile, c *profile.Container) {
	senses := p.SensesOf(c)
	if len(senses) == 0 {
		l.warn(at, "lists no system calls, executions or opens: by itself it guards nothing")
		return
	}
	var missing []string
	for _, section := range []struct {
		sense  profile.Sense
		name   string
		length int
	}{
		{profile.SenseSyscalls, "system calls", len(c.Syscalls)},
		{profile.SenseExecs, "executions", len(c.Execs)},
		{profile.SenseOpens, "opens", len(c.Opens)},
		{profile.SenseChanges, "changes of files", len(c.Changes)},
	} {
		switch spoken := slices.Contains(senses, section.sense); {
		case spoken && section.length == 0:
			missing = append(missing, "no "+section.name)
		case !spoken && section.length > 0:
			l.warn(at+"."+string(section.sense), "is not judged: spec.senses does not name it")
		}
	}
	if len(missing) > 0 {
		l.warn(at, "lists %s: every one will deviate, unless another document allows it", strings.Join(missing, " and "))
	}
}

// dangerousCapabilities lead out of the container.
var dangerousCapabilities = []string{
	"BPF", "DAC_READ_SEARCH", "MAC_ADMIN", "SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO",
}

func (l *linter) syscalls(at string, names []string) {
	for i, name := range names {
		if syscalls.Severity(name) == severity.Critical {
			l.warn(fmt.Sprintf("%s[%d]", at, i), "%s reaches into other processes, the kernel or the node", name)
		}
	}
}

func (l *linter) exec(at string, e profile.Exec) {
	l.path(at+".path", e.Path, "program")
	if runsAnyCode(e) {
		l.warn(at+".args", "lets %s run any code it is given", e.Path)
	}
	l.texts(at+".args", e.Args)
}

// texts warns about templates that nobody has rendered.
func (l *linter) texts(at string, texts []string) {
	for i, text := range texts {
		l.text(fmt.Sprintf("%s[%d]", at, i), text)
	}
}

func (l *linter) text(field, text string) {
	if strings.Contains(text, "$values.") || strings.Contains(text, "{{") && strings.Contains(text, ".Values") {
		l.warn(field, "%q looks like a placeholder that was not rendered", text)
	}
}

// runsAnyCode reports whether e lets an interpreter be given code of any kind
// on its command line.
func runsAnyCode(e profile.Exec) bool {
	if len(e.Args) == 0 {
		return !e.ArgsRequired && interpreter.Is([]byte(e.Path), nil)
	}
	span := interpreter.CodeIn(e.Path, e.Args)
	for i, arg := range e.Args {
		switch arg {
		case glob.Dynamic:
			if span.Has(i) || i > 0 && i < span.Fixed {
				return true
			}
		case glob.DynamicArgs:
			before := interpreter.CodeIn(e.Path, e.Args[:i])
			if before.Open || i == 0 && interpreter.Is([]byte(e.Path), nil) {
				return true
			}
		}
	}
	return false
}

// path warns about patterns that match far more than their author meant. A pattern that
// begins with a wildcard matches everywhere, and makes all others on its list pointless.
func (l *linter) path(field, path, what string) {
	l.text(field, path)
	if !strings.Contains(path, glob.Wildcard) && !strings.Contains(path, glob.Dynamic) {
		return
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	isWild := func(segment string) bool { return segment == glob.Wildcard || segment == glob.Dynamic }
	if i := slices.IndexFunc(segments, func(s string) bool { return !isWild(s) && strings.Contains(s, glob.Wildcard) }); i >= 0 {
		l.warn(field, "%q is a name as it stands: * is a wildcard only as a whole name; ⋯ is one within a name too", segments[i])
	}
	switch {
	case !slices.ContainsFunc(segments, func(s string) bool { return !isWild(s) }):
		l.warn(field, "%q is nothing but wildcards: it allows any %s", path, what)
	case isWild(segments[0]):
		l.warn(field, "%q begins with a wildcard: it allows such a %s anywhere", path, what)
	default:
		if secret := takesIn(path); secret != "" {
			l.warn(field, "%q takes in %s", path, secret)
		}
	}
}

// secrets stand for the files that an intruder looks for first.
var secrets = []string{
	"/etc/shadow", "/etc/sudoers", "/etc/kubernetes/admin.conf", "/root/.ssh/id_rsa",
	"/run/secrets/kubernetes.io/serviceaccount/token", "/var/run/secrets/kubernetes.io/serviceaccount/token",
	"/run/containerd/containerd.sock", "/var/run/docker.sock", "/var/lib/kubelet/pki/kubelet-client-current.pem",
	"/proc/1/environ", "/proc/1/mem", "/proc/kcore",
}

// takesIn returns one of the secrets that a pattern matches.
func takesIn(pattern string) string {
	m, err := match.Compile([]profile.Container{{Opens: []profile.Open{{Path: pattern}}}}, match.Options{Arch: "amd64"})
	if err != nil {
		return ""
	}
	for _, secret := range secrets {
		if m.Open([]byte(secret), event.AccessRead) == match.Allowed {
			return secret
		}
	}
	return ""
}

func (l *linter) neighbors(at string, neighbors []profile.Neighbor) {
	for i, n := range neighbors {
		at := fmt.Sprintf("%s[%d]", at, i)
		l.texts(at+".dnsNames", n.DNSNames)
		l.texts(at+".ipAddresses", n.IPAddresses)
		for j, address := range n.IPAddresses {
			if address == glob.Wildcard || strings.HasSuffix(address, "/0") {
				l.warn(fmt.Sprintf("%s.ipAddresses[%d]", at, j), "%q is every address", address)
			}
		}
		if slices.Contains(n.Entities, peer.World.String()) && (len(n.Ports) == 0 || slices.ContainsFunc(n.Ports, everyPort)) {
			l.warn(at+".entities", "is the whole world, on every port")
		}
		for _, key := range slices.Sorted(maps.Keys(n.Kubescape)) {
			l.warn(at+".kubescape."+key, "is not understood; the neighbor is narrower than it reads")
		}
	}
}

// everyPort reports whether p stands for all ports of protocols that have some.
func everyPort(p profile.Port) bool {
	protocol, _ := event.ParseProtocol(p.Protocol)
	hasPorts := p.Protocol == "" || protocol == event.TCP || protocol == event.UDP
	return hasPorts && (p.Port == "" || p.Port == "0" || p.EndPort == "65535" && p.Port == "1")
}
