package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/term"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// outcome is what a run of bobctl left behind.
type outcome struct {
	code     int
	out, err string
}

// bobctl runs a command line in this process.
func bobctl(t testing.TB, input string, args ...string) outcome {
	t.Helper()
	return runAs(t, "bobctl", input, args...)
}

func runAs(t testing.TB, name, input string, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	terminal := &term.Terminal{In: strings.NewReader(input), Out: &out, Err: &errs}
	code := run(t.Context(), terminal, append([]string{name}, args...))
	return outcome{code: code, out: out.String(), err: errs.String()}
}

// succeed runs a command line that has to, and returns its output.
func succeed(t testing.TB, input string, args ...string) string {
	t.Helper()
	o := bobctl(t, input, args...)
	if o.code != 0 {
		t.Fatalf("bobctl %q: exit code %d: %s", args, o.code, o.err)
	}
	return o.out
}

// workspace makes a directory with the files of testdata the current one.
func workspace(t testing.TB) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	kubescape, err := filepath.Abs("../../internal/profile/testdata/kubescape")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(kubescape, filepath.Join(dir, "kubescape")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What people read. Each golden file holds the command line, what it wrote to
// both outputs, and the exit code.
func TestGoldens(t *testing.T) {
	allowOpen := []string{"--workload", "shop/Deployment/webapp", "--container", "web", "--open", "/etc/shadow", "--flags", "O_RDONLY"}
	tests := map[string][]string{
		"help":             {"--help"},
		"help-allow":       {"allow", "--help"},
		"help-record":      {"record", "--help"},
		"help-summary":     {"summary", "--help"},
		"help-test":        {"test", "--help"},
		"help-trace":       {"trace", "--help"},
		"check":            {"check", "webapp.yaml", "webapp-next.yaml", "broken.yaml", "bob.yaml"},
		"check-kubescape":  {"check", "kubescape/variant-sloppy.yaml", "kubescape/ap-redis-kind.yaml", "kubescape/cp-valkey.yaml", "kubescape/nn-recursive-star-rejected.yaml"},
		"check-rules":      {"check", "rules.yaml", "broken-rules.yaml"},
		"rule-explain":     {"rule", "explain", "R1005"},
		"rule-explain-own": {"rule", "explain", "team-shell", "rules.yaml"},
		"rule-test":        {"rule", "test", "rules.yaml"},
		"check-json":       {"check", "-o", "json", "--strict", "webapp-next.yaml"},
		"show":             {"show", "webapp.yaml", "webapp-next.yaml"},
		"show-kubescape":   {"show", "kubescape/ap-redis-kind.yaml", "kubescape/nn-multi-container.yaml"},
		"show-yaml":        {"show", "-o", "yaml", "webapp.yaml"},
		"diff":             {"diff", "webapp.yaml", "webapp-next.yaml"},
		"diff-json":        {"diff", "-o", "json", "kubescape/ap-redis-kind.yaml", "kubescape/ap-redis-k3s.yaml"},
		"merge":            {"merge", "webapp-next.yaml", "webapp.yaml"},
		"patch":            {"patch", "webapp-next.yaml", "--syscall", "dup3", "--exec", "/bin/cat", "--arg", "cat", "--arg", "⋯"},
		"render-lab":       {"render", "bob.yaml", "--values", "bob.values"},
		"render-bind":      {"render", "webapp.yaml", "--set", "clientCIDR=10.1.0.0/16"},
		"convert-cp":       {"convert", "webapp-next.yaml", "--to", "cp"},
		"convert-seccomp":  {"convert", "webapp-next.yaml", "--to", "seccomp", "--arch", "arm64"},
		"allow":            append([]string{"allow"}, allowOpen...),
		"allow-dry-run":    append([]string{"allow", "--dry-run", "--syscall", "ptrace"}, allowOpen...),
	}
	dir, err := filepath.Abs("testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			workspace(t)
			o := bobctl(t, "", args...)
			got := "$ bobctl " + strings.Join(args, " ") + "\n" + o.out
			if o.err != "" {
				got += "--- standard error\n" + o.err
			}
			got += "--- exit code " + string(rune('0'+o.code)) + "\n"
			golden := filepath.Join(dir, name+".txt")
			if *update {
				writeFile(t, golden, got)
			}
			if diff := cmp.Diff(readFile(t, golden), got); diff != "" {
				t.Errorf("%s (-golden +got):\n%s", golden, diff)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	tests := map[string]struct {
		input string
		args  []string
		want  int
		err   string // part of what is said
	}{
		"no command":           {args: nil, want: 0},
		"help":                 {args: []string{"diff", "--help"}, want: 0},
		"version":              {args: []string{"version"}, want: 0},
		"unknown command":      {args: []string{"sho"}, want: 2, err: "did you mean show"},
		"unknown subcommand":   {args: []string{"key", "lose"}, want: 2, err: `no command "lose"`},
		"unknown flag":         {args: []string{"show", "--frob", "webapp.yaml"}, want: 2, err: "--frob"},
		"unknown format":       {args: []string{"show", "-o", "xml", "webapp.yaml"}, want: 2, err: "table, json or yaml"},
		"no file":              {args: []string{"show"}, want: 2, err: "FILE"},
		"one file of two":      {args: []string{"diff", "webapp.yaml"}, want: 2, err: "2 FILE"},
		"standard input twice": {args: []string{"diff", "-", "-"}, want: 2, err: "only once"},
		"missing file":         {args: []string{"show", "none.yaml"}, want: 1, err: "none.yaml: no such file"},
		"a directory":          {args: []string{"show", "kubescape"}, want: 1, err: "is a directory"},

		"check valid":          {args: []string{"check", "webapp.yaml"}, want: 0},
		"check strictly":       {args: []string{"check", "--strict", "webapp.yaml"}, want: 3},
		"check invalid":        {args: []string{"check", "webapp.yaml", "broken.yaml"}, want: 1, err: "1 of 2 files"},
		"check standard input": {input: "apiVersion: x", args: []string{"check", "-"}, want: 1, err: "1 of 1"},

		"diff of same":      {args: []string{"diff", "webapp.yaml", "webapp.yaml"}, want: 0},
		"diff of different": {args: []string{"diff", "webapp.yaml", "webapp-next.yaml"}, want: 3},
		"diff of several":   {args: []string{"diff", "kubescape/nn-multi-container.yaml", "webapp.yaml"}, want: 1, err: "holds 2 documents"},

		"merge of strangers":       {args: []string{"merge", "webapp.yaml", "kubescape/ap-redis-kind.yaml"}, want: 1, err: "name it: --workload"},
		"merge for a stranger":     {args: []string{"merge", "--workload", "shop/Deployment/blog", "webapp.yaml"}, want: 1, err: "no document in it applies"},
		"merge for nobody":         {args: []string{"merge", "--workload", "shop", "webapp.yaml"}, want: 2, err: "NAMESPACE/KIND/NAME"},
		"convert to nothing":       {args: []string{"convert", "webapp.yaml"}, want: 2, err: "want one of ap, apparmor"},
		"convert unbound":          {args: []string{"convert", "webapp.yaml", "--to", "ap"}, want: 1, err: "bobctl render --bind webapp.yaml"},
		"convert without a choice": {args: []string{"convert", "webapp.yaml", "--to", "seccomp"}, want: 1, err: "bound first"},
		"convert to other content": {args: []string{"convert", "webapp-next.yaml", "--to", "nn"}, want: 1, err: "NetworkNeighborhood"},

		"template unrendered":   {args: []string{"show", "bob.yaml"}, want: 1, err: "bobctl render --values VALUES bob.yaml"},
		"template without":      {args: []string{"render", "bob.yaml"}, want: 1, err: "no value for $values.workloadkind"},
		"values for a document": {args: []string{"render", "webapp.yaml", "--values", "bob.values"}, want: 2, err: "--parameters"},
		"parameter too wide":    {args: []string{"render", "webapp.yaml", "--set", "clientCIDR=0.0.0.0/0"}, want: 1, err: "clientCIDR"},
		"parameter unknown":     {args: []string{"render", "webapp.yaml", "--set", "x=1"}, want: 1, err: "no such parameter"},
		"parameter misspelt":    {args: []string{"render", "webapp.yaml", "--set", "clientCIDR"}, want: 2, err: "NAME=VALUE"},

		"patch without act":    {args: []string{"patch", "webapp.yaml"}, want: 2, err: "name what to allow"},
		"patch two ways":       {args: []string{"patch", "webapp.yaml", "--json", "-", "--arg", "x"}, want: 2, err: "either"},
		"patch no container":   {args: []string{"patch", "webapp.yaml", "--syscall", "dup"}, want: 1, err: "there are: web, setup"},
		"patch no call":        {args: []string{"patch", "webapp.yaml", "--container", "web", "--syscall", "dupe"}, want: 1, err: `"dupe"`},
		"patch with nonsense":  {input: "[{]", args: []string{"patch", "webapp.yaml", "--json", "-"}, want: 1, err: "decode operations"},
		"patch to no document": {input: `[{"op":"remove","path":"/kind"}]`, args: []string{"patch", "webapp.yaml", "--json", "-"}, want: 1, err: "kind"},

		"allow nothing":          {args: []string{"allow", "--workload", "a/b/c"}, want: 2, err: "name what to allow"},
		"allow whom":             {args: []string{"allow", "--syscall", "dup"}, want: 2, err: "every workload"},
		"allow a namespace":      {args: []string{"allow", "--workload", "shop//", "--syscall", "dup"}, want: 2, err: "every workload"},
		"allow every access":     {args: []string{"allow", "--workload", "a/b/c", "--open", "/x"}, want: 2, err: "O_RDONLY"},
		"allow misspelt access":  {args: []string{"allow", "--workload", "a/b/c", "--open", "/x", "--flags", "O_READ"}, want: 2, err: "O_RDONLY"},
		"allow no call":          {args: []string{"allow", "--workload", "a/b/c", "--syscall", "dupe"}, want: 2, err: "dupe"},
		"allow a call elsewhere": {args: []string{"allow", "--workload", "a/b/c", "--arch", "arm64", "--syscall", "open"}, want: 2, err: "arm64"},
		"allow on no machine":    {args: []string{"allow", "--workload", "a/b/c", "--arch", "pdp11", "--syscall", "open"}, want: 2, err: "pdp11"},
		"allow stray argument":   {args: []string{"allow", "--workload", "a/b/c", "--syscall", "dup", "x"}, want: 2, err: `"x"`},
		"allow into a profile":   {args: []string{"allow", "--workload", "a/b/c", "--syscall", "dup", "-f", "webapp.yaml"}, want: 1, err: "bobctl patch"},
		"allow alert and act":    {args: []string{"allow", "--alert", "-", "--syscall", "dup"}, want: 2, err: "--alert"},
		"allow no alert":         {input: "\n", args: []string{"allow", "--alert", "-"}, want: 1, err: "no alert"},
		"allow text":             {input: "12:00 CRITICAL", args: []string{"allow", "--alert", "-"}, want: 1, err: "stdin:1: not an alert"},

		"key without name":     {args: []string{"key", "generate"}, want: 2, err: "NAME"},
		"key of what":          {args: []string{"key", "generate", "--algorithm", "rot13", "k"}, want: 2, err: "rot13"},
		"sign without key":     {args: []string{"sign", "webapp.yaml"}, want: 2, err: "--key"},
		"sign to nowhere":      {args: []string{"sign", "-", "--key", "k.key"}, want: 2, err: "--bundle"},
		"verify whom":          {args: []string{"verify", "webapp.yaml"}, want: 2, err: "--key FILE"},
		"verify without root":  {args: []string{"verify", "webapp.yaml", "--certificate-identity", "a"}, want: 2, err: "--trusted-root"},
		"verify by no issuer":  {args: []string{"verify", "webapp.yaml", "--certificate-identity", "a", "--trusted-root", "r"}, want: 2, err: "issuer"},
		"test nothing":         {args: []string{"test", "webapp.yaml"}, want: 2, err: "say one thing to watch"},
		"test two things":      {args: []string{"test", "webapp.yaml", "--container", "a", "--workload", "a/b/c"}, want: 2, err: "say one thing to watch"},
		"test two documents":   {args: []string{"test", "webapp.yaml", "webapp-next.yaml"}, want: 2, err: "want 1 BOB"},
		"test for no time":     {args: []string{"test", "webapp.yaml", "--for", "0s", "--", "ls"}, want: 2, err: "to come"},
		"test no container":    {args: []string{"test", "webapp.yaml", "--as", "db", "--", "ls"}, want: 1, err: "there are: web"},
		"test no program":      {args: []string{"test", "webapp.yaml", "--as", "web", "--", "no-such-program"}, want: 1, err: "not found"},
		"test no document":     {args: []string{"test", "none.yaml", "--", "ls"}, want: 1, err: "none.yaml"},
		"record nothing":       {args: []string{"record"}, want: 2, err: "say what to observe"},
		"record two things":    {args: []string{"record", "--container", "a", "--", "ls"}, want: 2, err: "one thing"},
		"record no pod":        {args: []string{"record", "--pod", "web-0"}, want: 2, err: "NAMESPACE/NAME"},
		"record no workload":   {args: []string{"record", "--workload", "deploy/web"}, want: 2, err: "NAMESPACE/KIND/NAME"},
		"record relatively":    {args: []string{"record", "--cgroup", "nginx.service"}, want: 2, err: "absolute"},
		"record into the past": {args: []string{"record", "--for", "-1s", "--", "ls"}, want: 2, err: "to come"},
		"record no program":    {args: []string{"record", "--", "no-such-program"}, want: 1, err: "not found"},
		"trace no call":        {args: []string{"trace", "-e", "opn", "--", "ls"}, want: 2, err: "opn"},
		"trace into a table":   {args: []string{"trace", "-o", "csv", "--", "ls"}, want: 2, err: "table, json or yaml"},

		"completion of tcsh": {args: []string{"completion", "tcsh"}, want: 2, err: "fish"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			workspace(t)
			o := bobctl(t, tt.input, tt.args...)
			if o.code != tt.want || !strings.Contains(o.err, tt.err) {
				t.Errorf("bobctl %q: got exit code %d and %q, want %d and %q", tt.args, o.code, o.err, tt.want, tt.err)
			}
			if (tt.want == 1 || tt.want == 2) && !strings.HasPrefix(o.err, "bobctl: ") {
				t.Errorf("bobctl %q: %q does not say who speaks", tt.args, o.err)
			}
		})
	}
}

// kubectl runs kubectl-bob for "kubectl bob".
func TestKubectlPlugin(t *testing.T) {
	o := runAs(t, "/usr/local/bin/kubectl-bob", "", "diff", "--help")
	if strings.Contains(o.out, "bobctl") || !strings.Contains(o.out, "\n  kubectl bob diff OLD NEW") ||
		!strings.Contains(o.out, "\n  kubectl bob diff webapp-1.4.yaml") {
		t.Errorf("help does not say kubectl bob:\n%s", o.out)
	}
	o = runAs(t, "kubectl-bob", "", "record", "--help")
	if !strings.Contains(o.out, "\n  kubectl bob record -o redis.yaml") || !strings.Contains(o.out, "-- /bobctl record --workload") {
		t.Errorf("help confuses the plugin with the agent's copy:\n%s", o.out)
	}
	if o := runAs(t, "kubectl-bob", "", "frob"); !strings.Contains(o.err, "See 'kubectl bob --help'") {
		t.Errorf("got %q, want an error that refers to kubectl bob", o.err)
	}
}

func TestCompletion(t *testing.T) {
	tests := map[string]string{"bash": "complete -o default", "zsh": "#compdef bobctl", "fish": "complete -c bobctl"}
	for shell, want := range tests {
		if got := succeed(t, "", "completion", shell); !strings.Contains(got, want) {
			t.Errorf("completion %s: %q is not in it", shell, want)
		}
	}
	if got := succeed(t, "", "__complete", "convert", "--to", ""); !strings.Contains(got, "\nseccomp\n") {
		t.Errorf("completing --to: got %q", got)
	}
}

// A terminal gets colours, a pipe does not.
func TestColours(t *testing.T) {
	workspace(t)
	for _, args := range [][]string{
		{"diff", "webapp.yaml", "webapp-next.yaml"}, {"show", "webapp.yaml"}, {"check", "webapp.yaml"},
	} {
		var out bytes.Buffer
		run(t.Context(), &term.Terminal{In: strings.NewReader(""), Out: &out, Err: &out, Colours: true}, append([]string{"bobctl"}, args...))
		if !strings.Contains(out.String(), "\x1b[") {
			t.Errorf("bobctl %q: no colours on a terminal", args)
		}
		if o := bobctl(t, "", args...); strings.Contains(o.out+o.err, "\x1b") {
			t.Errorf("bobctl %q: colours, or names with control characters, in a pipe", args)
		}
	}
}
