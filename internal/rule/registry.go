package rule

import "bobwatch/internal/severity"

// What deviates from a profile. What happened grades these.
const (
	UnexpectedProcess    ID = "R0001"
	UnexpectedFileAccess ID = "R0002"
	UnexpectedSyscall    ID = "R0003"
	UnexpectedArguments  ID = "R0040"
	// UnexpectedEgress: the container connected or sent where it never does.
	UnexpectedEgress ID = "R0011"
	// UnexpectedIngress: a peer came to a port from where none comes.
	UnexpectedIngress ID = "BW006"
	// UnexpectedListener: the container waits for peers on a port that was closed.
	UnexpectedListener ID = "BW007"
	// UnexpectedSocket: a socket of a family that the container does not use.
	UnexpectedSocket ID = "BW008"
	// UnexpectedControl: a socket of the node's services, such as the container
	// runtime's, through which a container commands the node.
	UnexpectedControl ID = "BW009"
)

// What is wrong with an act by itself. The functions are in
// internal/rule/builtin.
const (
	BPFProgramLoad    ID = "R0009"
	SharedMemoryExec  ID = "R1000"
	Drift             ID = "R1001"
	KernelModuleLoad  ID = "R1002"
	ExecFromMount     ID = "R1004"
	FilelessExecution ID = "R1005"
	NewNamespace      ID = "R1006"
	ProcessTracing    ID = "R1015"
	IOUring           ID = "R1030"
	// LeftContainer: a process of the container moved itself, or was moved,
	// into a cgroup outside of it. What it does there is watched as the
	// container's still.
	LeftContainer ID = "BW001"
	// Replaced: the name of a program that ran before led to another file.
	Replaced ID = "BW003"
)

// What the agent reports of itself.
const (
	// Suppressed stands for the alerts that a workload's rate limit held back.
	Suppressed ID = "BW000"
	// NoProfile: a workload is to be guarded, and nothing says what it may do.
	NoProfile ID = "BW002"
	// WatchedLate: the kernel could not report the start of a container, which
	// was not watched for a while.
	WatchedLate ID = "BW004"
	// HeldBack: the kernel could not send all acts of a guarded container.
	HeldBack ID = "BW005"
	// DocumentRefused: a document that claims to be a profile was not believed.
	DocumentRefused ID = "R1016"
)

// Tactics of MITRE ATT&CK.
const (
	execution           = "TA0002"
	persistence         = "TA0003"
	privilegeEscalation = "TA0004"
	defenseEvasion      = "TA0005"
	collection          = "TA0009"
	commandAndControl   = "TA0011"
	lateralMovement     = "TA0008"
	discovery           = "TA0007"
)

var registered = []Rule{
	{UnexpectedProcess, "Unexpected process launched", severity.Medium, NeedsProfile, execution, "T1059"},
	{UnexpectedFileAccess, "Unexpected file access", severity.Low, NeedsProfile, collection, "T1005"},
	{UnexpectedSyscall, "Unexpected system call", severity.Low, NeedsProfile, execution, "T1106"},
	{UnexpectedArguments, "Unexpected process arguments", severity.Low, NeedsProfile, execution, "T1059"},

	{UnexpectedEgress, "Unexpected egress traffic", severity.Low, NeedsProfile, commandAndControl, "T1071"},
	{UnexpectedIngress, "Unexpected ingress traffic", severity.Low, NeedsProfile, lateralMovement, "T1021"},
	{UnexpectedListener, "Unexpected listening port", severity.High, NeedsProfile, commandAndControl, "T1571"},
	{UnexpectedSocket, "Unexpected family of sockets", severity.Low, NeedsProfile, discovery, "T1040"},
	{UnexpectedControl, "Unexpected connection to a service of the node", severity.Critical, NeedsProfile, privilegeEscalation, "T1611"},
	{BPFProgramLoad, "eBPF program load", severity.High, UsesProfile, defenseEvasion, "T1014"},
	{SharedMemoryExec, "Execution from shared memory", severity.High, UsesProfile, execution, "T1059"},
	{Drift, "Execution of a program that is not part of the image", severity.High, UsesProfile, defenseEvasion, "T1036"},
	{ExecFromMount, "Execution from a mount", severity.Medium, NeedsProfile, execution, "T1059"},
	{KernelModuleLoad, "Kernel module load", severity.Critical, IgnoresProfile, persistence, "T1547.006"},
	{FilelessExecution, "Fileless execution", severity.Critical, IgnoresProfile, defenseEvasion, "T1620"},
	{NewNamespace, "New namespaces by unshare", severity.High, UsesProfile, privilegeEscalation, "T1611"},
	{ProcessTracing, "Access to another process", severity.High, IgnoresProfile, defenseEvasion, "T1055.008"},
	{IOUring, "io_uring", severity.High, NeedsProfile, defenseEvasion, "T1562"},
	{Replaced, "Known program replaced", severity.High, IgnoresProfile, defenseEvasion, "T1036.005"},
	{LeftContainer, "Process left its container", severity.Critical, IgnoresProfile, privilegeEscalation, "T1611"},

	{Suppressed, "Alerts suppressed", severity.Low, IgnoresProfile, "", ""},
	{NoProfile, "Guarded workload without a profile", severity.High, IgnoresProfile, "", ""},
	{WatchedLate, "Container watched late", severity.Medium, IgnoresProfile, "", ""},
	{HeldBack, "Acts of a guarded container held back", severity.Medium, IgnoresProfile, defenseEvasion, "T1499"},
	{DocumentRefused, "Signed profile refused", severity.High, IgnoresProfile, defenseEvasion, "T1553"},
}

var byID = func() map[ID]int {
	index := make(map[ID]int, len(registered))
	for i, r := range registered {
		index[r.ID] = i
	}
	return index
}()
