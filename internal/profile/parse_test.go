package profile

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/yamlfile"
)

// native returns a Bill of Behavior with the given text below its one
// container, indented by four.
func native(container string) string {
	return `apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: web}
spec:
  containers:
  - name: web
` + container
}

func mustParse(tb testing.TB, text string) *Profile {
	tb.Helper()
	profiles, err := Parse("test.yaml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	if len(profiles) != 1 {
		tb.Fatalf("Parse returned %d documents, want 1", len(profiles))
	}
	return profiles[0]
}

func TestParse(t *testing.T) {
	const text = `# a comment
apiVersion: bobwatch/v1alpha1
kind: BillOfBehavior
metadata: {name: web, version: "1.10", labels: {app: web}}
spec:
  parameters:
  - {name: clientCIDR, kind: cidr, default: 10.0.0.0/8, widestPrefix: 8}
  workload: {kind: Deployment, name: web}
  containers:
  - name: web
    type: container
    images: &images ["registry.example/web@sha256:00"]
    syscalls: {amd64: [write, read, read], arm64: []}
    execs:
    - path: /bin/sh
      args: [sh, -c, "no", "echo\ndone"]
    opens:
    - {path: /b, flags: [O_RDONLY]}
    - {path: /a, flags: null}
    - {path: /b, flags: [O_WRONLY, O_CREAT]}
    capabilities: []
    network:
      egress:
      - {dnsNames: [b.example., a.example.], ports: [{port: "443", protocol: TCP}]}
    kubescape: {kept: {number: 12, none: null}}
  - name: migrate
    type: init
    images: *images
  provenance: {learnedFor: 24h, from: start, completeness: complete, lost: 0}
`
	got := mustParse(t, text)
	want := &Profile{
		APIVersion: APIVersion,
		Kind:       Kind,
		Metadata:   Metadata{Name: "web", Version: "1.10", Labels: map[string]string{"app": "web"}},
		Spec: Spec{
			Parameters: []Parameter{{Name: "clientCIDR", Kind: ParameterCIDR, Default: "10.0.0.0/8", WidestPrefix: 8}},
			Workload:   Workload{Kind: "Deployment", Name: "web"},
			Containers: []Container{
				{
					Name:     "web",
					Images:   []string{"registry.example/web@sha256:00"},
					Syscalls: map[string][]string{"amd64": {"read", "write"}},
					Execs:    []Exec{{Path: "/bin/sh", Args: []string{"sh", "-c", "no", "echo\ndone"}}},
					Opens:    []Open{{Path: "/a"}, {Path: "/b", Flags: []string{"O_CREAT", "O_RDONLY", "O_WRONLY"}}},
					Network: Network{Egress: []Neighbor{{
						DNSNames: []string{"a.example.", "b.example."},
						Ports:    []Port{{Protocol: "TCP", Port: "443"}},
					}}},
					Kubescape: map[string]any{"kept": map[string]any{"number": int64(12)}},
				},
				{Name: "migrate", Type: ContainerInit, Images: []string{"registry.example/web@sha256:00"}},
			},
			Provenance: Provenance{LearnedFor: "24h", From: "start", Completeness: Complete},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

// Of byte-order marks, the one at the start of a file is no part of it.
func TestParseByteOrderMark(t *testing.T) {
	text := native("    opens: [{path: /a}]\n")
	if diff := cmp.Diff(mustParse(t, text), mustParse(t, "\ufeff"+text)); diff != "" {
		t.Errorf("with a byte-order mark (-without +with):\n%s", diff)
	}
	if _, err := Parse("test.yaml", []byte("\ufeff\ufeff"+text)); err == nil {
		t.Error("two byte-order marks are accepted")
	}
}

func TestParseErrors(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string // parts of the message
	}{
		"empty":          {"", []string{"test.yaml: no document"}},
		"only a comment": {"# x\n---\n", []string{"no document"}},
		"not a mapping":  {"- a\n", []string{"test.yaml:1:1: want a mapping"}},
		"syntax":         {"a: [1\nb: 2\n", []string{"test.yaml:"}},
		"not UTF-8":      {"a: \xff\n", []string{"not UTF-8"}},
		"other kind":     {"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n", []string{`test.yaml:1:13: apiVersion: apiVersion "v1"`, "test.yaml:2:7: kind"}},
		"no name":        {"apiVersion: bobwatch/v1alpha1\nkind: BillOfBehavior\n", []string{"needs a name"}},
		"unknown field": {
			native("    syscall: {}\n"),
			[]string{"test.yaml:7:", "spec.containers[0].syscall: unknown field"},
		},
		"all errors at once": {
			native("    foo: 1\n    opens: [{path: /a, bar: 1}]\n"),
			[]string{"spec.containers[0].foo", "spec.containers[0].opens[0].bar"},
		},
		"repeated key":       {native("    opens: []\n    opens: []\n"), []string{"test.yaml:8:5:", `"opens" already defined`}},
		"number as text":     {native("    images: [1.10]\n"), []string{"test.yaml:7:14: spec.containers[0].images[0]: want a string, got 1.10 (quote it if it is text)"}},
		"boolean as text":    {native("    images: [true]\n"), []string{"images[0]: want a string, got true"}},
		"null as text":       {native("    images: [null]\n"), []string{"images[0]: want a value, got nothing"}},
		"number as a key":    {strings.Replace(native(""), "name: web", "name: web, labels: {010: v}", 1), []string{"test.yaml:3:32: metadata.labels.010: want a string as key, got 010"}},
		"null as a key":      {strings.Replace(native(""), "name: web", "name: web, labels: {~: v}", 1), []string{"want a string as key, got nothing"}},
		"null container":     {native("  - null\n"), []string{"spec.containers[1]: want a value, got nothing"}},
		"null neighbor":      {native("    network: {egress: [null]}\n"), []string{"network.egress[0]: want a value, got nothing"}},
		"list as text":       {native("    opens: [{path: [a]}]\n"), []string{"opens[0].path: want a string, got a list"}},
		"text as list":       {native("    opens: /a\n"), []string{"spec.containers[0].opens: want a list"}},
		"text as mapping":    {native("    syscalls: read\n"), []string{"spec.containers[0].syscalls: want a mapping"}},
		"text as boolean":    {native("    execs: [{path: /a, argsRequired: yes}]\n"), []string{"argsRequired: want true or false"}},
		"text as number":     {strings.Replace(native(""), "spec:", "spec:\n  provenance: {lost: many}", 1), []string{"test.yaml:5:22: spec.provenance.lost: want a whole number"}},
		"negative number":    {strings.Replace(native(""), "spec:", "spec:\n  provenance: {lost: -1}", 1), []string{"spec.provenance.lost: want a decimal number"}},
		"too large a number": {strings.Replace(native(""), "spec:", "spec:\n  provenance: {lost: 9007199254740993}", 1), []string{"lost: want a decimal number"}},
		"duplicate container": {
			native("  - name: web\n    type: container\n"),
			[]string{`test.yaml:7:11: spec.containers[1].name: container "web" is spec.containers[0] already`},
		},
		"duplicate parameter":  {strings.Replace(native(""), "spec:", "spec:\n  parameters: [{name: a, kind: string}, {name: a, kind: port}]", 1), []string{"spec.parameters[1].name", "already"}},
		"parameter kind":       {strings.Replace(native(""), "spec:", "spec:\n  parameters: [{name: a, kind: glob}]", 1), []string{`spec.parameters[0].kind: kind "glob"`}},
		"container type":       {native("    type: sidecar\n"), []string{`spec.containers[0].type: type "sidecar"`}},
		"architecture":         {native("    syscalls: {x86_64: [read]}\n"), []string{`spec.containers[0].syscalls.x86_64: architecture "x86_64"`}},
		"syscall name":         {native("    syscalls: {amd64: [read, 'sys read']}\n"), []string{"spec.containers[0].syscalls.amd64[1]"}},
		"open without a path":  {native("    opens: [{flags: [O_RDONLY]}]\n"), []string{"spec.containers[0].opens[0]: an open needs a path"}},
		"flag":                 {native("    opens: [{path: /a, flags: [read]}]\n"), []string{"spec.containers[0].opens[0].flags[0]"}},
		"duration":             {strings.Replace(native(""), "spec:", "spec:\n  provenance: {learnedFor: a day}", 1), []string{"spec.provenance.learnedFor"}},
		"completeness":         {strings.Replace(native(""), "spec:", "spec:\n  provenance: {completeness: ready}", 1), []string{"spec.provenance.completeness"}},
		"recursive DNS name":   {native("    network: {egress: [{dnsNames: ['**.example.com']}]}\n"), []string{"spec.containers[0].network.egress[0].dnsNames[0]", "**"}},
		"all-wildcard DNS":     {native("    network: {egress: [{dnsNames: ['*']}]}\n"), []string{"only wildcards"}},
		"address":              {native("    network: {ingress: [{ipAddresses: [10.0.0.0/33]}]}\n"), []string{"network.ingress[0].ipAddresses[0]", "CIDR"}},
		"merge key":            {"a: &a {b: c}\nd:\n  <<: *a\n", []string{"test.yaml:3:3: merge keys"}},
		"alias without anchor": {native("    images: *x\n"), []string{"test.yaml:7:13:", `"x"`}},
		"alias to itself":      {native("    images: &x [*x]\n"), []string{`"x"`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("test.yaml", []byte(tt.text))
			if err == nil {
				t.Fatal("Parse: no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Parse: %v\nwant %q in it", err, want)
				}
			}
		})
	}
}

// laughs returns a document whose aliases expand to 10^levels strings.
func laughs(levels int) string {
	var b strings.Builder
	b.WriteString("l0: &l0 [lol]\n")
	for i := range levels {
		fmt.Fprintf(&b, "l%d: &l%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d, ", i), 10), ", "))
	}
	return b.String()
}

func opensDocument(n int) string {
	var b strings.Builder
	b.WriteString(native("    opens:\n"))
	for i := range n {
		fmt.Fprintf(&b, "    - path: /usr/lib/module%d\n      flags: [O_RDONLY, O_CLOEXEC]\n", i)
	}
	return b.String()
}

// TestLimits gives Parse what would exhaust a machine. The bounds on memory
// are generous; without the limits these take gigabytes or crash the process.
func TestLimits(t *testing.T) {
	const maxBytes = 1 << 30
	tests := map[string]struct {
		text  string
		limit string // empty if the document is to be accepted
	}{
		"100 MB":                     {strings.Repeat("a: b\n", 20_000_000), "MaxInputBytes"},
		"a million entries":          {opensDocument(200_000), "MaxEntries"},
		"a million short entries":    {"a:\n" + strings.Repeat("- a\n", 1_000_000), "MaxEntries"},
		"many documents":             {strings.Repeat("---\na\n", 200_000), "MaxDocuments"},
		"many empty documents":       {strings.Repeat("...\n", 200_000), "MaxDocuments"},
		"billion laughs":             {laughs(9), "MaxEntries"},
		"deep flow lists":            {strings.Repeat("[", 1_000_000), "MaxDepth"},
		"deep flow mappings":         {strings.Repeat("{a: ", 300_000), "MaxDepth"},
		"deep flow, closed":          {strings.Repeat("[", 65) + strings.Repeat("]", 65), "MaxDepth"},
		"deep block lists":           {strings.Repeat("- ", 100_000), "MaxDepth"},
		"deep keys":                  {strings.Repeat("? ", 100_000), "MaxDepth"},
		"many tags":                  {strings.Repeat("!a ", 100_000) + "x", "MaxDepth"},
		"many anchors":               {"x: " + strings.Repeat("&a ", 100_000) + "x", "MaxDepth"},
		"depth through aliases":      {"a: &a " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "\nb: " + strings.Repeat("[", 40) + "*a" + strings.Repeat("]", 40) + "\n", "MaxDepth"},
		"50,000 opens":               {opensDocument(50_000), ""},
		"many keys":                  {manyKeys(2_000), "MaxKeys"},
		"many keys in braces":        {"{" + strings.Repeat("a,", 400_000) + "}", "MaxKeys"},
		"many empty items":           {strings.Repeat("-\n", 400_000), "MaxEmpty"},
		"many keys without values":   {strings.Repeat("- a:\n", 200_000), "MaxEmpty"},
		"many blank lines":           {"a: |\n" + strings.Repeat("\n", 10<<20), "MaxBlankLines"},
		"blank lines here and there": {"a: |\n" + strings.Repeat("  x"+strings.Repeat("\n", 900), 10_000), "MaxBlankLines"},
		"keys in brackets, no value": {"[" + strings.Repeat("{a: },", 100_000) + "]", "MaxEmpty"},
		"keys in brackets, no colon": {"[" + strings.Repeat("{a},", 100_000) + "]", "MaxEmpty"},
		"many tags in brackets":      {"[" + strings.Repeat("!a ", 100_000) + "x]", "MaxDepth"},
		"many anchors in brackets":   {"[" + strings.Repeat("&a ", 100_000) + "x]", "MaxDepth"},
		"deep mappings by indent":    {indented(2_000), "MaxDepth"},
		"one text of 10 MB":          {native("    images: [" + strings.Repeat("a", 10<<20) + "]\n"), ""},
		"a few laughs are harmless":  {native("    images: &i [a]\n    capabilities: *i\n"), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := Parse("test.yaml", []byte(tt.text))
			runtime.ReadMemStats(&after)
			spent := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d bytes: %v, %d MiB allocated", len(tt.text), time.Since(start), spent>>20)
			if spent > maxBytes {
				t.Errorf("Parse allocated %d MiB", spent>>20)
			}
			if tt.limit == "" {
				if err != nil {
					t.Errorf("Parse: %v", err)
				}
				return
			}
			if !errors.Is(err, yamlfile.ErrLimit) || !strings.Contains(err.Error(), tt.limit) {
				t.Errorf("Parse: %v, want the limit %s", err, tt.limit)
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "key%d:\n", i)
	}
	return b.String()
}

func indented(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
