package profile

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/glob"
)

// template is a document with a parameter of every kind in every place that
// takes one.
func template() *Profile {
	return &Profile{
		APIVersion: APIVersion, Kind: Kind, Metadata: Metadata{Name: "webapp"},
		Spec: Spec{
			Parameters: []Parameter{
				{Name: "host", Kind: ParameterString, Default: "db.example"},
				{Name: "clients", Kind: ParameterCIDR, Default: "10.0.0.0/8"},
				{Name: "port", Kind: ParameterPort, Default: "8080"},
				{Name: "tenant", Kind: ParameterSegment},
			},
			Containers: []Container{{
				Name:   "web",
				Images: []string{"$(host)/web"},
				Execs: []Exec{
					{Path: "/srv/$(tenant)/bin/run", Args: []string{"run", "--db=$(host):$(port)", "$(clients)"}},
					{Path: "/bin/sh", Args: []string{"sh", "-c", "echo $(date) $$(host) $(host)"}},
				},
				Opens: []Open{{Path: "/data/$(tenant)/*", Flags: []string{"O_RDONLY"}}},
				Network: Network{Egress: []Neighbor{{
					DNSNames:    []string{"$(host)"},
					IPAddresses: []string{"$(clients)"},
					Ports:       []Port{{Name: "TCP-$(port)", Protocol: "TCP", Port: "$(port)"}},
					PodSelector: map[string]any{"matchLabels": map[string]any{"app": "$(tenant)"}},
				}}},
				Endpoints: []Endpoint{{Endpoint: ":$(port)/x", Headers: map[string][]string{"Host": {"$(host)"}}}},
			}},
		},
	}
}

func TestBind(t *testing.T) {
	p := template()
	got, err := Bind(p, map[string]string{"tenant": "acme", "clients": "10.1.0.0/16", "port": "81"})
	if err != nil {
		t.Fatal(err)
	}
	want := Normalise(&Profile{
		APIVersion: APIVersion, Kind: Kind, Metadata: Metadata{Name: "webapp"},
		Spec: Spec{Containers: []Container{{
			Name:   "web",
			Images: []string{"db.example/web"},
			Execs: []Exec{
				{Path: "/srv/acme/bin/run", Args: []string{"run", "--db=db.example:81", "10.1.0.0/16"}},
				{Path: "/bin/sh", Args: []string{"sh", "-c", "echo $(date) $(host) db.example"}},
			},
			Opens: []Open{{Path: "/data/acme/*", Flags: []string{"O_RDONLY"}}},
			Network: Network{Egress: []Neighbor{{
				DNSNames:    []string{"db.example"},
				IPAddresses: []string{"10.1.0.0/16"},
				Ports:       []Port{{Name: "TCP-81", Protocol: "TCP", Port: "81"}},
				PodSelector: map[string]any{"matchLabels": map[string]any{"app": "acme"}},
			}}},
			Endpoints: []Endpoint{{Endpoint: ":81/x", Headers: map[string][]string{"Host": {"db.example"}}}},
		}}},
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(template(), p); diff != "" {
		t.Errorf("Bind changed its argument:\n%s", diff)
	}
}

// A document without parameters means what it says, whatever it looks like.
func TestBindWithoutParameters(t *testing.T) {
	p := Normalise(&Profile{Spec: Spec{Containers: []Container{{Opens: []Open{{Path: "/$(x)/$$(y)"}}}}}})
	got, err := Bind(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestBindValues(t *testing.T) {
	tests := map[string]struct {
		parameter Parameter
		value     string
		ok        bool
	}{
		"string":                 {Parameter{Kind: ParameterString}, "a b/c", true},
		"string with wildcard":   {Parameter{Kind: ParameterString}, "a*", false},
		"string with ellipsis":   {Parameter{Kind: ParameterString}, "⋯⋯", false},
		"string with control":    {Parameter{Kind: ParameterString}, "a\x00b", false},
		"string with newline":    {Parameter{Kind: ParameterString}, "a\nb", false},
		"string, not UTF-8":      {Parameter{Kind: ParameterString}, "a\xff", false},
		"empty":                  {Parameter{Kind: ParameterString}, "", false},
		"long":                   {Parameter{Kind: ParameterString}, strings.Repeat("a", maxValueBytes+1), false},
		"segment":                {Parameter{Kind: ParameterSegment}, "..data", true},
		"segment with slash":     {Parameter{Kind: ParameterSegment}, "a/b", false},
		"segment up":             {Parameter{Kind: ParameterSegment}, "..", false},
		"segment here":           {Parameter{Kind: ParameterSegment}, ".", false},
		"segment wildcard":       {Parameter{Kind: ParameterSegment}, "⋯", false},
		"port":                   {Parameter{Kind: ParameterPort}, "65535", true},
		"port 0":                 {Parameter{Kind: ParameterPort}, "0", false},
		"port too great":         {Parameter{Kind: ParameterPort}, "65536", false},
		"port in another form":   {Parameter{Kind: ParameterPort}, "080", false},
		"port with sign":         {Parameter{Kind: ParameterPort}, "+80", false},
		"port name":              {Parameter{Kind: ParameterPort}, "http", false},
		"cidr":                   {Parameter{Kind: ParameterCIDR, WidestPrefix: 16}, "10.1.0.0/16", true},
		"cidr, one address":      {Parameter{Kind: ParameterCIDR, WidestPrefix: 16}, "10.1.2.3", true},
		"cidr too wide":          {Parameter{Kind: ParameterCIDR, WidestPrefix: 16}, "10.0.0.0/15", false},
		"cidr everything":        {Parameter{Kind: ParameterCIDR, WidestPrefix: 16}, "0.0.0.0/0", false},
		"cidr like the default":  {Parameter{Kind: ParameterCIDR, Default: "10.0.0.0/8"}, "192.168.0.0/16", true},
		"wider than the default": {Parameter{Kind: ParameterCIDR, Default: "10.0.0.0/8"}, "8.0.0.0/7", false},
		"wider than the default, allowed": {
			Parameter{Kind: ParameterCIDR, Default: "10.0.0.0/8", WidestPrefix: 4},
			"8.0.0.0/7", true,
		},
		"other family":       {Parameter{Kind: ParameterCIDR, Default: "10.0.0.0/8"}, "2000::/8", false},
		"mapped address":     {Parameter{Kind: ParameterCIDR, WidestPrefix: 8}, "::ffff:10.0.0.0/104", false},
		"zone":               {Parameter{Kind: ParameterCIDR, WidestPrefix: 8}, "fe80::1%eth0", false},
		"no bound declared":  {Parameter{Kind: ParameterCIDR}, "10.1.2.3", false},
		"default is no cidr": {Parameter{Kind: ParameterCIDR, Default: "x"}, "10.1.2.3", false},
		"no cidr":            {Parameter{Kind: ParameterCIDR, WidestPrefix: 8}, "10.0.0.0/33", false},
		"unknown kind":       {Parameter{Kind: "regex"}, "a", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.parameter.Name = "x"
			p := &Profile{Spec: Spec{
				Parameters: []Parameter{tt.parameter},
				Containers: []Container{{Execs: []Exec{{Path: "/x", Args: []string{"$(x)"}}}}},
			}}
			got, err := Bind(p, map[string]string{"x": tt.value})
			if (err == nil) != tt.ok {
				t.Fatalf("Bind(%q) = %v, want it accepted: %t", tt.value, err, tt.ok)
			}
			if tt.ok && got.Spec.Containers[0].Execs[0].Args[0] != tt.value {
				t.Errorf("got %q, want %q", got.Spec.Containers[0].Execs[0].Args[0], tt.value)
			}
		})
	}
}

// A value of one kind must not do in a place what another kind may.
func TestBindPlaces(t *testing.T) {
	tests := map[string]struct {
		container Container
		value     string
		want      string // in the error; empty if it is fine
	}{
		"slash in an open":    {Container{Opens: []Open{{Path: "/data/$(x)"}}}, "a/b", "not one path segment"},
		"parent in an exec":   {Container{Execs: []Exec{{Path: "/bin/$(x)"}}}, "..", "not one path segment"},
		"name in an open":     {Container{Opens: []Open{{Path: "/data/$(x)"}}}, "acme", ""},
		"prefix as address":   {Container{Network: Network{Egress: []Neighbor{{IPAddresses: []string{"$(x)"}}}}}, "0.0.0.0/0", "no single address"},
		"part of a prefix":    {Container{Network: Network{Egress: []Neighbor{{IPAddresses: []string{"10.0.$(x)"}}}}}, "0.0/0", "no single address"},
		"no address":          {Container{Network: Network{Egress: []Neighbor{{IPAddresses: []string{"$(x)"}}}}}, "everywhere", "is no address"},
		"octet":               {Container{Network: Network{Egress: []Neighbor{{IPAddresses: []string{"10.$(x).0.0/16"}}}}}, "7", ""},
		"any port":            {Container{Network: Network{Egress: []Neighbor{{Ports: []Port{{Port: "$(x)"}}}}}}, "0", "not a port"},
		"any endpoint port":   {Container{Endpoints: []Endpoint{{Endpoint: ":$(x)/a"}}}, "0", "every port"},
		"endpoint port":       {Container{Endpoints: []Endpoint{{Endpoint: ":8$(x)/a"}}}, "0", ""},
		"system call":         {Container{Syscalls: map[string][]string{"amd64": {"$(x)"}}}, "ptrace", "no parameter may stand here"},
		"capability":          {Container{Capabilities: []string{"$(x)"}}, "SYS_ADMIN", "no parameter may stand here"},
		"flag":                {Container{Opens: []Open{{Path: "/a", Flags: []string{"$(x)"}}}}, "O_RDWR", "no parameter may stand here"},
		"method":              {Container{Endpoints: []Endpoint{{Endpoint: ":1/", Methods: []string{"$(x)"}}}}, "POST", "no parameter may stand here"},
		"argument":            {Container{Execs: []Exec{{Path: "/a", Args: []string{"$(x)"}}}}, "a/b 0.0.0.0/0", ""},
		"word of a command":   {Container{Execs: []Exec{{Path: "/bin/sh", Args: []string{"sh", "-c", "ping $(x)"}}}}, "8.8.8.8", ""},
		"command in a word":   {Container{Execs: []Exec{{Path: "/bin/sh", Args: []string{"sh", "-c", "ping $(x)"}}}}, "a; id", "plain word"},
		"code":                {Container{Execs: []Exec{{Path: "/usr/bin/bash", Args: []string{"bash", "-ec", "$(x)"}}}}, "curl a|sh", "plain word"},
		"code of python":      {Container{Execs: []Exec{{Path: "/usr/bin/python3", Args: []string{"python", "-c", "$(x)"}}}}, "import os", "plain word"},
		"words elsewhere":     {Container{Execs: []Exec{{Path: "/a", Args: []string{"run with $(x)"}}}}, "a b", "plain word"},
		"references in value": {Container{Execs: []Exec{{Path: "/a", Args: []string{"$(x)"}}}}, "$(x)$$(x)", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := &Profile{Spec: Spec{
				Parameters: []Parameter{{Name: "x", Kind: ParameterString}},
				Containers: []Container{tt.container},
			}}
			got, err := Bind(p, map[string]string{"x": tt.value})
			if tt.want == "" && err != nil {
				t.Errorf("got error %v", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, %v, want error %q", got, err, tt.want)
			}
		})
	}
}

// Of whatever kind a parameter is, it decides how many addresses are meant
// only as a cidr that is the whole address.
func TestBindPrefixes(t *testing.T) {
	cidr := Parameter{Name: "x", Kind: ParameterCIDR, WidestPrefix: 8}
	tests := map[string]struct {
		parameter Parameter
		address   string
		value     string
		want      string // in the error; empty if it is fine
	}{
		"cidr":                    {cidr, "$(x)", "10.0.0.0/8", ""},
		"address of a cidr":       {cidr, "$(x)", "10.0.0.1", ""},
		"port for bits":           {Parameter{Name: "x", Kind: ParameterPort}, "10.0.0.0/$(x)", "1", "prefix length"},
		"port for a part of bits": {Parameter{Name: "x", Kind: ParameterPort}, "10.0.0.0/1$(x)", "6", "prefix length"},
		"text for bits":           {Parameter{Name: "x", Kind: ParameterString}, "10.0.0.0/$(x)", "1", "prefix length"},
		"segment for bits":        {Parameter{Name: "x", Kind: ParameterSegment}, "10.0.0.0/$(x)", "1", "prefix length"},
		"segment for an octet":    {Parameter{Name: "x", Kind: ParameterSegment}, "10.0.$(x).0/24", "1", ""},
		"cidr before bits":        {cidr, "$(x)/1", "10.0.0.1", "whole address"},
		"cidr behind text":        {cidr, "1$(x)", "0.0.0.0/8", "whole address"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := &Profile{Spec: Spec{
				Parameters: []Parameter{tt.parameter},
				Containers: []Container{{Network: Network{Egress: []Neighbor{{IPAddresses: []string{tt.address}}}}}},
			}}
			got, err := Bind(p, map[string]string{"x": tt.value})
			if tt.want == "" && err != nil {
				t.Errorf("got error %v", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, %v, want error %q", got, err, tt.want)
			}
		})
	}
}

func TestBindReportsAllErrors(t *testing.T) {
	p := template()
	p.Spec.Containers[0].Opens = append(p.Spec.Containers[0].Opens, Open{Path: "/$(nobody)"})
	_, err := Bind(p, map[string]string{"port": "0", "extra": "1", "clients": "0.0.0.0/0"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"bind profile webapp", "parameter port", "parameter clients", "parameter tenant: no value and no default",
		"value extra: the document declares no such parameter",
		"spec.containers[0].opens[1].path: $(nobody): the document declares no such parameter",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
}

// FuzzBind holds Bind to its promise that no value widens what was signed.
func FuzzBind(f *testing.F) {
	f.Add("db", "10.1.0.0/16", "80", "acme")
	f.Add("a/b", "::/0", "0", "..")
	f.Add("*", "0.0.0.0/0", "080", "⋯")
	f.Fuzz(func(t *testing.T, host, clients, port, tenant string) {
		values := map[string]string{"host": host, "clients": clients, "port": port, "tenant": tenant}
		got, err := Bind(template(), values)
		if err != nil {
			return
		}
		c := got.Spec.Containers[0]
		open := c.Opens[0].Path
		if n := strings.Count(open, "/"); n != 3 || strings.Count(open, glob.Wildcard) != 1 || strings.Contains(open, glob.Dynamic) || strings.Contains(open, "/../") {
			t.Errorf("tenant %q made the path %q", tenant, open)
		}
		peer := c.Network.Egress[0]
		if prefix, err := netip.ParsePrefix(peer.IPAddresses[0]); err == nil && prefix.Bits() < 8 {
			t.Errorf("clients %q made the prefix %s", clients, prefix)
		}
		if peer.Ports[0].Port == "0" || strings.HasPrefix(c.Endpoints[0].Endpoint, ":0/") {
			t.Errorf("port %q opened every port", port)
		}
		for _, e := range c.Execs {
			if strings.ContainsAny(strings.Join(e.Args, ""), "*⋯") {
				t.Errorf("a wildcard in the arguments %q", e.Args)
			}
		}
		if _, err := Bind(got, nil); err != nil {
			t.Errorf("binding a bound document: %v", err)
		}
	})
}
