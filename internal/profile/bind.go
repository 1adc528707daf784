package profile

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"bobwatch/internal/interpreter"
)

// reference matches $(name), and $$(name), which stands for the text $(name).
// Only names the document declares are references; all else is literal, for
// shell arguments are full of $(command).
var reference = regexp.MustCompile(`\$?\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)`)

// Bind returns p with every reference to a parameter replaced by its value, or
// by its default where values has none. The result declares no parameters. A
// document that declares none is returned as it is.
//
// Values are not signed, so each is held to its parameter's kind and to the
// place it stands in: none can bring in a wildcard, leave a path segment, open
// all ports or reach more addresses than were declared. All that is wrong is
// reported at once.
func Bind(p *Profile, values map[string]string) (*Profile, error) {
	b := binder{parameters: make(map[string]Parameter), values: make(map[string]string)}
	b.resolve(p.Spec.Parameters, values)
	bound := *p
	if len(p.Spec.Parameters) > 0 {
		bound.Spec.Parameters = nil
		bound.Spec.Containers = make([]Container, len(p.Spec.Containers))
		for i, c := range p.Spec.Containers {
			bound.Spec.Containers[i] = b.container(fmt.Sprintf("spec.containers[%d]", i), c)
		}
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, fmt.Errorf("bind profile %s: %w", p.Metadata.Name, err)
	}
	return Normalise(&bound), nil
}

// binder holds the values in force while a document is bound.
type binder struct {
	parameters map[string]Parameter
	values     map[string]string
	errs       []error
}

// fitFunc says whether a value of a parameter may stand somewhere.
type fitFunc func(kind ParameterKind, value string) error

func (b *binder) fail(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf(format, args...))
}

// resolve decides the value of every parameter. One that has no valid value is
// reported here and gets none.
func (b *binder) resolve(parameters []Parameter, values map[string]string) {
	for _, p := range parameters {
		if _, twice := b.parameters[p.Name]; twice {
			b.fail("parameter %s: declared twice", p.Name)
		}
		b.parameters[p.Name] = p
		value, given := values[p.Name]
		if !given {
			value = p.Default
		}
		if !given && value == "" {
			b.fail("parameter %s: no value and no default", p.Name)
			continue
		}
		checked, err := p.check(value)
		if err != nil {
			b.fail("parameter %s: %w", p.Name, err)
			continue
		}
		b.values[p.Name] = checked
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, declared := b.parameters[name]; !declared {
			b.fail("value %s: the document declares no such parameter", name)
		}
	}
}

// text replaces the references in text, the field at the place where, and reports
// references to undeclared parameters.
func (b *binder) text(where, text string, fits fitFunc) string {
	for _, match := range reference.FindAllStringSubmatch(text, -1) {
		if _, declared := b.parameters[match[1]]; !declared {
			b.fail("%s: $(%s): the document declares no such parameter", where, match[1])
		}
	}
	return b.substitute(where, text, fits)
}

// substitute replaces the references in text to declared parameters.
func (b *binder) substitute(where, text string, fits fitFunc) string {
	return reference.ReplaceAllStringFunc(text, func(match string) string {
		name := match[strings.IndexByte(match, '(')+1 : len(match)-1]
		p, declared := b.parameters[name]
		value, valid := b.values[name]
		switch {
		case !declared:
			return match
		case strings.HasPrefix(match, "$$"):
			return match[1:]
		case !valid:
			return match
		}
		if err := fits(p.Kind, value); err != nil {
			b.fail("%s: parameter %s: %w", where, name, err)
		}
		return value
	})
}

func (b *binder) texts(where string, texts []string, fits fitFunc) []string {
	bound := slices.Clone(texts)
	for i, text := range bound {
		bound[i] = b.text(fmt.Sprintf("%s[%d]", where, i), text, fits)
	}
	return bound
}

// args binds the arguments of e. One with white space, or that an interpreter
// takes for code, is several words to somebody, and a value is one of them.
func (b *binder) args(where string, e Exec) []string {
	code := interpreter.CodeIn(e.Path, e.Args)
	bound := slices.Clone(e.Args)
	for i, arg := range bound {
		fits := anywhere
		if code.Has(i) || strings.ContainsFunc(arg, unicode.IsSpace) {
			fits = asWord
		}
		bound[i] = b.substitute(fmt.Sprintf("%s[%d]", where, i), arg, fits)
	}
	return bound
}

// literals binds texts in which a reference to an undeclared parameter may be meant
// literally.
func (b *binder) literals(where string, texts []string) []string {
	bound := slices.Clone(texts)
	for i, text := range bound {
		bound[i] = b.substitute(fmt.Sprintf("%s[%d]", where, i), text, anywhere)
	}
	return bound
}

// fixed reports references in a list of names that decide which acts are allowed. Such
// names are signed as they are, and have no parameters.
func (b *binder) fixed(where string, names []string) {
	b.texts(where, names, func(ParameterKind, string) error {
		return errors.New("no parameter may stand here")
	})
}

func (b *binder) container(where string, c Container) Container {
	c.Name = b.text(where+".name", c.Name, anywhere)
	c.Images = b.texts(where+".images", c.Images, anywhere)
	for _, arch := range slices.Sorted(maps.Keys(c.Syscalls)) {
		b.fixed(where+".syscalls."+arch, c.Syscalls[arch])
	}
	b.fixed(where+".capabilities", c.Capabilities)
	b.fixed(where+".support", c.Support)

	c.Execs = slices.Clone(c.Execs)
	for i := range c.Execs {
		e, at := &c.Execs[i], fmt.Sprintf("%s.execs[%d]", where, i)
		e.Path = b.text(at+".path", e.Path, insidePath)
		e.Args = b.args(at+".args", *e)
		e.Envs = b.literals(at+".envs", e.Envs)
	}
	c.Opens = slices.Clone(c.Opens)
	for i := range c.Opens {
		o, at := &c.Opens[i], fmt.Sprintf("%s.opens[%d]", where, i)
		o.Path = b.text(at+".path", o.Path, insidePath)
		b.fixed(at+".flags", o.Flags)
	}
	c.Changes = slices.Clone(c.Changes)
	for i := range c.Changes {
		change, at := &c.Changes[i], fmt.Sprintf("%s.changes[%d]", where, i)
		change.Path = b.text(at+".path", change.Path, insidePath)
		b.fixed(at+".acts", change.Acts)
	}
	c.Directories = slices.Clone(c.Directories)
	for i := range c.Directories {
		d, at := &c.Directories[i], fmt.Sprintf("%s.directories[%d]", where, i)
		d.Path = b.text(at+".path", d.Path, insidePath)
		b.fixed(at+".flags", d.Flags)
	}
	c.Network.Egress = b.neighbors(where+".network.egress", c.Network.Egress)
	c.Network.Ingress = b.neighbors(where+".network.ingress", c.Network.Ingress)
	c.Network.Listens = b.ports(where+".network.listens", c.Network.Listens)
	c.Endpoints = slices.Clone(c.Endpoints)
	for i := range c.Endpoints {
		c.Endpoints[i] = b.endpoint(fmt.Sprintf("%s.endpoints[%d]", where, i), c.Endpoints[i])
	}
	return c
}

func (b *binder) neighbors(where string, neighbors []Neighbor) []Neighbor {
	bound := slices.Clone(neighbors)
	for i := range bound {
		n, at := &bound[i], fmt.Sprintf("%s[%d]", where, i)
		n.Identifier = b.text(at+".identifier", n.Identifier, anywhere)
		n.DNSNames = b.texts(at+".dnsNames", n.DNSNames, anywhere)
		n.IPAddresses = slices.Clone(n.IPAddresses)
		for j, address := range n.IPAddresses {
			n.IPAddresses[j] = b.address(fmt.Sprintf("%s.ipAddresses[%d]", at, j), address)
		}
		n.Ports = b.ports(at+".ports", n.Ports)
		n.PodSelector, _ = b.any(at+".podSelector", n.PodSelector).(map[string]any)
		n.NamespaceSelector, _ = b.any(at+".namespaceSelector", n.NamespaceSelector).(map[string]any)
	}
	return bound
}

func (b *binder) ports(where string, ports []Port) []Port {
	bound := slices.Clone(ports)
	for i := range bound {
		port, at := &bound[i], fmt.Sprintf("%s[%d]", where, i)
		port.Name = b.text(at+".name", port.Name, anywhere)
		port.Port = b.port(at+".port", port.Port)
		port.EndPort = b.port(at+".endPort", port.EndPort)
	}
	return bound
}

// address binds an address. A text with a value in it has to be an address, and only a
// cidr that is the whole text may decide how many addresses it covers.
func (b *binder) address(where, text string) string {
	whole := reference.FindString(text) == text
	if slash := strings.IndexByte(text, '/'); slash >= 0 && reference.MatchString(text[slash:]) {
		b.fail("%s: %q: no parameter may set a prefix length; declare all of it as %s", where, text, ParameterCIDR)
	}
	bound := b.text(where, text, func(kind ParameterKind, value string) error {
		switch {
		case kind == ParameterCIDR && !whole:
			return fmt.Errorf("a %s has to be the whole address", ParameterCIDR)
		case kind != ParameterCIDR && strings.Contains(value, "/"):
			return fmt.Errorf("%q is no single address; declare the parameter as %s", value, ParameterCIDR)
		}
		return nil
	})
	if bound == text {
		return text
	}
	if _, err := netip.ParsePrefix(bound); err == nil {
		return bound
	}
	if _, err := netip.ParseAddr(bound); err != nil {
		b.fail("%s: %q is no address", where, bound)
	}
	return bound
}

// port binds a port number, and checks the bounds of a text with a value in it: no number
// and 0 both stand for every port.
func (b *binder) port(where, text string) string {
	bound := b.text(where, text, anywhere)
	if bound == text {
		return text
	}
	if _, err := checkPort(bound); err != nil {
		b.fail("%s: %w", where, err)
	}
	return bound
}

// endpoint binds an endpoint. Port 0 stands for every port there, so a value
// must not produce one.
func (b *binder) endpoint(where string, e Endpoint) Endpoint {
	bound := b.text(where+".endpoint", e.Endpoint, anywhere)
	if bound != e.Endpoint && anyPort(bound) && !anyPort(e.Endpoint) {
		b.fail("%s.endpoint: %q would allow every port", where, bound)
	}
	e.Endpoint = bound
	b.fixed(where+".methods", e.Methods)
	headers := maps.Clone(e.Headers)
	for name, values := range headers {
		headers[name] = b.literals(where+".headers."+name, values)
	}
	e.Headers = headers
	return e
}

// any binds the strings in a decoded JSON value.
func (b *binder) any(where string, value any) any {
	switch v := value.(type) {
	case string:
		return b.text(where, v, anywhere)
	case []any:
		bound := slices.Clone(v)
		for i := range bound {
			bound[i] = b.any(fmt.Sprintf("%s[%d]", where, i), bound[i])
		}
		return bound
	case map[string]any:
		bound := maps.Clone(v)
		for _, key := range slices.Sorted(maps.Keys(bound)) {
			bound[key] = b.any(where+"."+key, bound[key])
		}
		return bound
	}
	return value
}
