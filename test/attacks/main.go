// Command attack does one hostile act and says whether it really happened, so
// that a test which expects an alert knows that there was something to see.
//
// It prints "done: <what>" and exits 0 if the act took place, prints
// "refused: <why>" and exits 3 if the kernel forbade it, which is an act all
// the same, and exits 1 if the act could not even be tried.
package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
)

// exitRefused says that the act was tried and forbidden.
const exitRefused = 3

// attack is one act on target, a path where the act wants one. It returns what
// it did.
type attack func(target string) (string, error)

var attacks = map[string]attack{
	"bind-shell":       bindShell,
	"bpf":              loadBPF,
	"call":             callByName,
	"connect":          connect,
	"chain":            execChain,
	"chroot":           changeRoot,
	"compat":           compatCall,
	"compat-open":      compatOpen,
	"control-socket":   controlSocket,
	"creat":            creat,
	"deep":             openDeep,
	"deleted":          openDeleted,
	"deleted-exec":     execDeleted,
	"exfiltrate":       exfiltrate,
	"handle":           openByHandle,
	"hardlink":         openHardlink,
	"hello":            hello,
	"keyctl":           keyctl,
	"long-args":        execLongArgs,
	"magic-link":       openMagicLink,
	"memfd":            execMemfd,
	"memfd-proc":       execMemfdByPath,
	"module":           loadModule,
	"mount":            mountTmpfs,
	"odd-name":         openOddName,
	"open":             open,
	"openat2":          openat2,
	"packet-socket":    packetSocket,
	"ptrace":           trace,
	"race":             racePath,
	"relative":         openRelative,
	"scan-ports":       scanPorts,
	"setcap":           setCapability,
	"setns":            enterNamespace,
	"socket":           openSocket,
	"spray":            spray,
	"symlink":          openSymlink,
	"syscall-600":      unknownCall,
	"thread-exec":      execFromThread,
	"unshare":          unshare,
	"uring":            uringOpen,
	"userfaultfd":      userfaultfd,
	"vm-read":          readMemory,
	"write":            write,
	"x32":              x32Call,
	"pass-descriptor":  passDescriptor,
	"path-only":        pathOnly,
	"race-descriptor":  raceDescriptor,
	"in-thread":        inThread,
	"steal-descriptor": stealDescriptor,
	"exec-descriptor":  execDescriptor,
	"forge-name":       forgeName,
	"uring-poll":       uringPoll,
	"many-processes":   manyProcesses,
	"bound":            openBound,
	"overlay":          openOverlay,
}

func main() {
	args := os.Args[1:]
	if len(args) == 0 {
		args = strings.Fields(os.Getenv("ATTACK"))
	}
	if len(args) == 0 || attacks[args[0]] == nil {
		names := slices.Sorted(maps.Keys(attacks))
		fmt.Fprintf(os.Stderr, "usage: attack <name> [path]\nnames: %s\n", strings.Join(names, " "))
		os.Exit(1)
	}
	target := "/etc/shadow"
	if len(args) > 1 {
		target = args[1]
	}
	what, err := attacks[args[0]](target)
	switch {
	case err == nil:
		fmt.Println("done:", what)
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EROFS):
		fmt.Println("refused:", err)
		os.Exit(exitRefused)
	default:
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	}
}

// hello does nothing; it is what the attacks that execute something execute.
func hello(string) (string, error) { return fmt.Sprintf("ran as pid %d", os.Getpid()), nil }
