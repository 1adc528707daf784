package custom

import (
	"fmt"
	"net/netip"
	"strings"

	"bobwatch/internal/event"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
	"bobwatch/internal/rule/builtin"
	"bobwatch/internal/rule/cel"
	"bobwatch/internal/syscalls"
	"bobwatch/internal/yamlfile"
)

// Case is an act that a rule file brings along to show that a rule works.
type Case struct {
	Name   string
	Breaks bool // the rule has to report it
	event  event.Event
	// allows is the profile of the case; nil for none.
	allows *profile.Container
	call   string
}

// caseArch is the architecture of the acts of cases.
const caseArch = "amd64"

func (p *parser) cases(n *yamlfile.Node) (cases []Case) {
	items := p.Items(n)
	if len(items) > maxEntries {
		p.Fail(n, "has %d entries, at most %d are allowed", len(items), maxEntries)
		return nil
	}
	for _, item := range items {
		c := Case{}
		for _, field := range p.Fields(item) {
			switch field.Key {
			case "name":
				c.Name = p.Text(field)
			case "breaks":
				c.Breaks = p.Flag(field)
			case "event":
				p.caseEvent(&c, field)
			case "profile":
				p.caseProfile(&c, field)
			default:
				p.Fail(field, "unknown field")
			}
		}
		cases = append(cases, c)
	}
	return cases
}

func (p *parser) caseEvent(c *Case, n *yamlfile.Node) {
	e := &c.event
	for _, field := range p.Fields(n) {
		text := p.Text
		switch field.Key {
		case "type":
			p.caseKind(e, field)
		case "path":
			e.Path = []byte(text(field))
		case "args":
			e.Args = []byte(strings.Join(p.Strings(field), "\x00"))
		case "comm":
			copy(e.Process.Comm[:], text(field))
		case "pcomm":
			copy(e.Ancestors[0].Comm[:], text(field))
			e.NAncestors = 1
		case "syscall":
			c.call = text(field)
			nr, ok := syscalls.Number(caseArch, c.call)
			if !ok {
				p.Fail(field, "no system call of %s is called %q", caseArch, c.call)
			}
			e.Nr = nr
		case "act":
			act, ok := event.ParseChangeAct(text(field))
			if !ok {
				p.Fail(field, "want one of %s", event.ChangeNames())
			}
			e.Change = act
		case "target":
			e.Target = []byte(text(field))
		case "write":
			if e.Access = event.AccessRead; p.Flag(field) {
				e.Access = event.AccessWrite
			}
		case "upperLayer":
			p.caseFlag(e, field, event.FlagUpperLayer)
		case "memfd":
			p.caseFlag(e, field, event.FlagMemfd)
		case "mounted":
			p.caseFlag(e, field, event.FlagMount)
		case "peer":
			p.casePeer(e, field)
		default:
			p.Fail(field, "unknown field")
		}
	}
	if e.Kind == 0 {
		p.Fail(n, "has no type")
	}
	if e.Kind == event.KindOpen && e.Access == 0 {
		e.Access = event.AccessRead
	}
}

func (p *parser) caseKind(e *event.Event, n *yamlfile.Node) {
	for _, typ := range eventTypes {
		if typ.name == p.Text(n) {
			e.Kind = typ.kind
			return
		}
	}
	p.Fail(n, "no type of events is called %q", p.Text(n))
}

func (p *parser) caseFlag(e *event.Event, n *yamlfile.Node, flag event.Flag) {
	if p.Flag(n) {
		e.Flags |= flag
	}
}

// casePeer makes a connection to ADDRESS:PORT by TCP.
func (p *parser) casePeer(e *event.Event, n *yamlfile.Node) {
	peer, err := netip.ParseAddrPort(p.Text(n))
	if err != nil {
		p.Fail(n, "want ADDRESS:PORT")
		return
	}
	e.Connection = event.Connection{
		Direction: event.Egress, Peer: peer.Addr(), Port: peer.Port(), Protocol: event.TCP, Family: event.FamilyIPv4,
	}
}

func (p *parser) caseProfile(c *Case, n *yamlfile.Node) {
	c.allows = &profile.Container{}
	for _, field := range p.Fields(n) {
		switch field.Key {
		case "execs":
			for _, path := range p.bounded(field) {
				c.allows.Execs = append(c.allows.Execs, profile.Exec{Path: path})
			}
		case "opens":
			for _, path := range p.bounded(field) {
				c.allows.Opens = append(c.allows.Opens, profile.Open{Path: path, Flags: []string{"O_RDONLY"}})
			}
		case "syscalls":
			c.allows.Syscalls = map[string][]string{caseArch: p.bounded(field)}
		default:
			p.Fail(field, "unknown field")
		}
	}
}

// Outcome is the result of a case.
type Outcome struct {
	Rule   rule.ID
	Case   string
	Passed bool
	Text   string // the message of the alert, or what went wrong
}

// Test runs the cases of all rules.
func (s *Set) Test() ([]Outcome, error) {
	var outcomes []Outcome
	for _, r := range s.Rules {
		for i := range r.Cases {
			o, err := s.run(r, &r.Cases[i])
			if err != nil {
				return nil, err
			}
			outcomes = append(outcomes, o)
		}
	}
	return outcomes, nil
}

func (s *Set) run(r *Rule, c *Case) (Outcome, error) {
	o := Outcome{Rule: r.ID, Case: c.Name}
	subject := &cel.Subject{Arch: caseArch}
	var m *match.Matcher
	if c.allows != nil {
		var err error
		options := match.Options{Arch: caseArch, Strict: true, Senses: []profile.Sense{
			profile.SenseSyscalls, profile.SenseExecs, profile.SenseOpens, profile.SenseNetwork,
		}}
		if m, err = match.Compile([]profile.Container{*c.allows}, options); err != nil {
			return o, fmt.Errorf("rule %s: case %q: %w", r.ID, c.Name, err)
		}
	}
	subject.Set(&c.event, builtin.Container{Image: true}, m)
	broken := false
	for _, d := range s.kinds[c.event.Kind] {
		if d.rule != r || !d.looksAt(subject) || d.rule.Profile == rule.NeedsProfile && m == nil {
			continue
		}
		if s.holds(&d, subject) {
			broken = true
			o.Text = (&Hit{rule: r, typ: d.about.name}).Message(subject)
		}
	}
	if o.Passed = broken == c.Breaks; !o.Passed {
		o.Text = fmt.Sprintf("reports it: %t, want %t", broken, c.Breaks)
	}
	return o, nil
}
