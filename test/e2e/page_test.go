package e2e

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var updatePage = flag.Bool("update-page", false, "write docs/red-team.md")

const page = "../../docs/red-team.md"

// unseen are attacks that get through, and what docs/limits.md says of them.
var unseen = []struct{ act, limit string }{
	{"a descriptor that a process outside of the container passed over a socket", "Descriptors that come over a socket"},
	{"code that a permitted program loads into its own memory, and reads through a mapping", "memory of processes"},
	{"`stat`, `access` and other calls that ask about a file and do not open it", "ask about a file"},
	{"another address of an allowed group of peers", "groups of addresses"},
	{"a race for the descriptor, where the kernel refuses a program on the return of `do_filp_open`", "do_filp_open"},
	{"a race for the string of a refused open or of a change by name", "Calls that change files by name"},
	{"a setuid bit that `open` gives a new file", "modes that `open` and `mkdir` give"},
	{"more than 65,536 processes in containers", "65,536 processes"},
	{"everything that the workload did while it was learned", "while it learns"},
}

// TestRedTeamPage compares docs/red-team.md with the tables that TestAttacks and
// TestEvasions make sure of.
func TestRedTeamPage(t *testing.T) {
	limits, err := os.ReadFile("../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	all := slices.Concat(attacks, evasions)
	fmt.Fprintf(&b, `# Attacks that are tried

%d acts of a root shell in a real container whose life was learned before, each with the rule that has to report it. `+"`make redteam`"+` makes them all and fails where one is reported by another rule or not at all; every change of the code runs it. `+"`attack`"+` is the program in test/attacks, `+"`$T`"+` a file that belongs to the act.

| name | act | reported by |
|---|---|---|
`, len(all))
	names := map[string]bool{}
	for _, a := range all {
		if names[a.name] {
			t.Errorf("two attacks are called %s", a.name)
		}
		names[a.name] = true
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", a.name, strings.ReplaceAll(strings.ReplaceAll(a.line, "|", "\\|"), "`", "'"), a.rule)
	}
	b.WriteString("\n## What gets through\n\n[limits.md](limits.md) gives the reason and the consequence of each.\n\n")
	for _, u := range unseen {
		fmt.Fprintf(&b, "- %s\n", u.act)
		if !strings.Contains(string(limits), u.limit) {
			t.Errorf("docs/limits.md says nothing of %q", u.limit)
		}
	}
	if *updatePage {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Error("docs/red-team.md is not what the tables say: run make redteam")
	}
}
