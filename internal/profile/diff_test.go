package profile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// withContainer returns a document with the given text below its container.
func withContainer(tb testing.TB, text string) *Profile {
	tb.Helper()
	return mustParse(tb, "apiVersion: bobwatch/v1alpha1\nkind: BillOfBehavior\nmetadata: {name: web}\nspec:\n  containers: [{name: web, "+text+"}]\n")
}

func TestCovers(t *testing.T) {
	tests := map[string]struct {
		a, b string
		want bool
	}{
		"equal":                      {"opens: [{path: /a}]", "opens: [{path: /a}]", true},
		"nothing covers nothing":     {"", "", true},
		"literal by pattern":         {"opens: [{path: /a/⋯}]", "opens: [{path: /a/b}]", true},
		"pattern by literal":         {"opens: [{path: /a/b}]", "opens: [{path: /a/⋯}]", false},
		"dynamic by star":            {"opens: [{path: /a/*}]", "opens: [{path: /a/⋯/b}]", true},
		"star by dynamic":            {"opens: [{path: /a/⋯}]", "opens: [{path: /a/*}]", false},
		"middle star by final star":  {"opens: [{path: /a/*}]", "opens: [{path: /a/*/b}]", true},
		"final star by middle star":  {"opens: [{path: /a/*/b}]", "opens: [{path: /a/*}]", false},
		"deeper star":                {"opens: [{path: /a/*}]", "opens: [{path: /a/b/*}]", true},
		"shallower star":             {"opens: [{path: /a/b/*}]", "opens: [{path: /a/*}]", false},
		"bare star":                  {"opens: [{path: '*'}]", "opens: [{path: /*}, {path: /}]", true},
		"bare star by root star":     {"opens: [{path: /*}]", "opens: [{path: '*'}]", false},
		"wider access":               {"opens: [{path: /a, flags: [O_RDWR]}]", "opens: [{path: /a, flags: [O_RDONLY]}]", true},
		"narrower access":            {"opens: [{path: /a, flags: [O_RDONLY]}]", "opens: [{path: /a}]", false},
		"access of several together": {"opens: [{path: /a, flags: [O_RDONLY]}, {path: /⋯, flags: [O_WRONLY]}]", "opens: [{path: /a, flags: [O_RDWR]}]", true},
		"family":                     {"syscalls: {amd64: [openat]}", "syscalls: {amd64: [open, creat]}", true},
		"not a family":               {"syscalls: {amd64: [openat]}", "syscalls: {amd64: [ptrace]}", false},
		"other architecture":         {"syscalls: {arm64: [openat]}", "syscalls: {amd64: [openat]}", false},
		"any arguments":              {"execs: [{path: /a}]", "execs: [{path: /a, args: [a, b]}]", true},
		"some arguments":             {"execs: [{path: /a, args: [a]}]", "execs: [{path: /a}]", false},
		"arguments by pattern":       {"execs: [{path: /a, args: [a, ⋯⋯]}]", "execs: [{path: /a, args: [a, b, ⋯]}]", true},
		"no arguments":               {"execs: [{path: /a, argsRequired: true}]", "execs: [{path: /a, args: [a]}]", false},
		"exec path by pattern":       {"execs: [{path: /⋯/a, args: [a]}]", "execs: [{path: /b/a, args: [a]}]", true},
		"capability":                 {"capabilities: [CHOWN]", "capabilities: [CHOWN, SYS_ADMIN]", false},
		"address in a CIDR":          {"network: {egress: [{ipAddresses: [10.0.0.0/8]}]}", "network: {egress: [{ipAddresses: [10.1.2.3, 10.1.0.0/16]}]}", true},
		"wider CIDR":                 {"network: {egress: [{ipAddresses: [10.0.0.0/8]}]}", "network: {egress: [{ipAddresses: [0.0.0.0/0]}]}", false},
		"name by pattern":            {"network: {egress: [{dnsNames: ['*.example.com']}]}", "network: {egress: [{dnsNames: [a.Example.com.]}]}", true},
		"port":                       {"network: {egress: [{dnsNames: [a.b], ports: [{port: '80'}]}]}", "network: {egress: [{dnsNames: [a.b], ports: [{port: '443'}]}]}", false},
		"every port":                 {"network: {egress: [{dnsNames: [a.b]}]}", "network: {egress: [{dnsNames: [a.b], ports: [{port: '443'}]}]}", true},
		"no address is not any":      {"network: {egress: [{type: external}]}", "network: {egress: [{type: external, dnsNames: [a.b]}]}", false},
		"selectors":                  {"network: {ingress: [{podSelector: {a: b}}]}", "network: {ingress: [{podSelector: {a: c}}]}", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			missing := Covers(withContainer(t, tt.a), withContainer(t, tt.b))
			if got := len(missing) == 0; got != tt.want {
				t.Errorf("Covers(%s; %s) = %t, want %t: %s", tt.a, tt.b, got, tt.want, jsonText(missing))
			}
		})
	}
}

func TestCoversAnyContainer(t *testing.T) {
	a := withContainer(t, "opens: [{path: /a}]")
	a.Spec.Containers[0].Name = ""
	b := withContainer(t, "opens: [{path: /a}]")
	if missing := Covers(a, b); len(missing) > 0 {
		t.Errorf("a container without a name does not stand for all: %s", jsonText(missing))
	}
	if missing := Covers(b, a); len(missing) == 0 {
		t.Error("a container with a name stands for all")
	}
}

func TestDiff(t *testing.T) {
	a := withContainer(t, `syscalls: {amd64: [read, stat]}, opens: [{path: /etc/*, flags: [O_RDONLY]}], execs: [{path: /bin/sh, args: [sh, -c, "a b"]}, {path: /bin/ls}], capabilities: [CHOWN]`)
	b := withContainer(t, `syscalls: {amd64: [read, newfstatat, umount2, mount]}, opens: [{path: /etc/passwd, flags: [O_RDONLY]}, {path: "/x\ny"}], execs: [{path: /bin/ls, argsRequired: true}]`)
	const want = `container web
  capabilities
  - CHOWN
  execs
  - /bin/ls: (any arguments)
  - /bin/sh: sh -c "a b"
  opens
  - /etc/* O_RDONLY
  + "/x\ny"
  syscalls amd64
  + mount
`
	if diff := cmp.Diff(want, Diff(a, b).String()); diff != "" {
		t.Errorf("Diff (-want +got):\n%s", diff)
	}
	if d := Diff(a, a); !d.Empty() || d.String() != "" {
		t.Errorf("Diff of a document with itself:\n%s", d)
	}
}
