// Package builtin holds the built-in rules. A rule finds acts that are wrong by
// themselves, no matter what is normal for the workload. Each rule has its own file and
// its own test.
//
// Its invariant: a rule is a pure function. It keeps nothing, takes no lock and
// allocates nothing, so that the goroutine that reads the kernel's records can
// ask it for each event.
package builtin

//go:generate go test -run ^TestPage$ . -update-page

import (
	"net/netip"

	"bobwatch/internal/event"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/rule"
)

// Container holds the facts about the acting container that rules use.
type Container struct {
	// Image: it was made from an image. A cgroup of the node has none.
	Image bool
	// ID and Name are the container's; Namespace, Pod and Labels its pod's.
	ID, Name, Namespace, Pod string
	Labels                   map[string]string
	// APIServers are the addresses of the Kubernetes API, if there is one.
	APIServers []netip.AddrPort
}

// Act is the input of a rule.
type Act struct {
	Event     *event.Event
	Container Container
	// Verdict is the verdict of the profile on an execution or an open;
	// PathUnknown without a profile.
	Verdict match.Verdict
	// Described: a profile speaks for acts of this kind.
	Described bool
}

// Rule judges acts of some kinds.
type Rule struct {
	ID rule.ID
	// About names the acts that the rule reports, Blind those that it misses. The
	// page docs/rules.md has both.
	About, Blind string

	Kinds []event.Kind
	// Calls are the names of the system calls that the rule is about, through
	// any ABI. Events of other calls are not asked about.
	Calls []string
	// Broken reports whether an act of the kind, and of the calls, is wrong; nil
	// if all are. internal/rule says whether the rule needs a profile, and
	// internal/judge enforces that.
	Broken func(Act) bool
}

// All returns the rules. Where an act breaks several of one severity, the first
// of them reports it.
func All() []Rule {
	return []Rule{
		cryptoMiner, reverseShell, backdooredLibrary, kernelSetting, rawDevice, filelessExecution,
		outsideProgram, deletedProgram, sharedMemoryExec, replaced, drift, kubernetesClient, hiddenProgram, execFromMount, kernelModuleLoad,
		bpfProgramLoad, newNamespace, processTracing, ioUring, tokenAccess, environmentRead,
		sshConnection, miningPort, loaderHook, execToPod, downloadAndRun, kernelLayout,
		namespaceEntry, mountCall, handleOpen, machineStop, clockChange, ioPorts, userFaults, cloudMetadata,
		nodeService, sniffer, rareSocket, escapeTool, traceRemoval, credentialSearch, cronWrite,
		loginKeyWrite, shellStartWrite, accountWrite, serviceWrite, deviceFile, serverShell, databaseChild,
		privilegeBit, encodedCode, foreignABI, keyring, rootChange, sensitiveFile, networkTool, downloadTool,
		packageManager, compiler, privilegeTool, imageChange,
		symlinkToSensitive, hardLinkToSensitive,
	}
}
