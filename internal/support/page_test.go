package support

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updatePage = flag.Bool("update-page", false, "write docs/support.md")

// TestPage compares the page about support sets with the sets. go generate writes it.
func TestPage(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "support.md")
	want := page()
	if *updatePage {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is out of date; run go generate (-fresh +committed):\n%s", file, diff)
	}
}

const introduction = `# Support sets

A program makes calls that it never decided to make: the kernel resumes a wait with %[1]srestart_syscall%[1]s, libc reads the time zone, a garbage collector returns memory. Whether two minutes of learning see them is chance. A support set allows them together, by a name and a version that stand in the document:

%[1]s%[1]s%[1]syaml
containers:
- name: web
  support: [descriptors/1, kernel/1, libc/1, sockets/1]
%[1]s%[1]s%[1]s

A learned profile names the sets that were seen to apply: companions of a call that was made, and runtimes whose library or whose first file was opened. Remove a name from the document, and what the set allows deviates again. Strict matching of system calls passes the calls of all sets over.

- A version never changes. What a document allows is what was signed; more members are a new version. A document that names a set this version does not know is refused.
- Nothing is a member that an intruder gains by. No call of a set is graded above low, except %[1]skill%[1]s, which reaches the processes of its own PID namespace: those of the container, or of the pod where that is shared, or of the node with %[1]shostPID%[1]s. Leave the set out there. No set has %[1]sioctl%[1]s, %[1]sprctl%[1]s, %[1]sptrace%[1]s, %[1]sbpf%[1]s, io_uring, keys, mounts, or a call that changes names.
- Files are allowed for reading, and only while they are the image's: a file that was written in the container, such as one planted below %[1]s/usr/share/zoneinfo%[1]s, is judged by the document's own entries. No pattern takes in code (%[1]s*.so%[1]s, modules), a list of users, a secret, or another process's memory, environment or arguments.
- Exports to seccomp, AppArmor and Kubescape write the members out.
`

func page() string {
	var b strings.Builder
	fmt.Fprintf(&b, introduction, "`")
	for _, s := range All() {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n", s.ID(), strings.ToUpper(s.About[:1])+s.About[1:])
		if len(s.shown) > 0 {
			fmt.Fprintf(&b, "\nApplies where one of these was opened: %s.\n", quoted(s.shown))
		}
		for _, calls := range s.Calls {
			if len(calls.With) > 0 {
				fmt.Fprintf(&b, "\nCalls, where one of %s is listed: %s.\n", quoted(calls.With), quoted(calls.Names))
			} else {
				fmt.Fprintf(&b, "\nCalls: %s.\n", quoted(calls.Names))
			}
		}
		if len(s.Opens) > 0 {
			fmt.Fprintf(&b, "\nFiles: %s.\n", quoted(s.Opens))
		}
	}
	return b.String()
}

func quoted(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }
