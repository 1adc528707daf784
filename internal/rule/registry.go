package rule

import "bobwatch/internal/severity"

// Rules about deviations from a profile. The act decides the severity.
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
	// UnexpectedChange: a file or a name was changed that never is, or in a way
	// in which it never is.
	UnexpectedChange ID = "BW010"
)

// Rules about acts that are wrong by themselves. The functions are in
// internal/rule/builtin.
const (
	BPFProgramLoad    ID = "R0009"
	SharedMemoryExec  ID = "R1000"
	Drift             ID = "R1001"
	KernelModuleLoad  ID = "R1002"
	ExecFromMount     ID = "R1004"
	FilelessExecution ID = "R1005"
	NewNamespace      ID = "R1006"
	// SymlinkToSensitive and HardLinkToSensitive: a sensitive file got another name.
	SymlinkToSensitive  ID = "R1010"
	HardLinkToSensitive ID = "R1012"
	ProcessTracing      ID = "R1015"
	IOUring             ID = "R1030"
	// LeftContainer: a process of the container moved itself, or was moved,
	// into a cgroup outside of it. Its acts there still count as the
	// container's.
	LeftContainer ID = "BW001"
	// Replaced: the name of a program that ran before led to another file.
	Replaced ID = "BW003"

	TokenAccess       ID = "R0006"
	EnvironmentRead   ID = "R0008"
	SensitiveFile     ID = "R0010"
	KubernetesClient  ID = "R0007"
	SSHConnection     ID = "R1003"
	CryptoMiner       ID = "R1007"
	MiningPort        ID = "R1009"
	LoaderHook        ID = "R1011"
	ExecToPod         ID = "R2000"
	ReverseShell      ID = "BW101"
	DownloadAndRun    ID = "BW102"
	KernelSetting     ID = "BW103"
	RawDevice         ID = "BW104"
	KernelLayout      ID = "BW105"
	NamespaceEntry    ID = "BW106"
	MountCall         ID = "BW107"
	HandleOpen        ID = "BW108"
	MachineStop       ID = "BW109"
	ClockChange       ID = "BW110"
	IOPorts           ID = "BW111"
	UserFaults        ID = "BW112"
	CloudMetadata     ID = "BW113"
	Sniffer           ID = "BW115"
	RareSocket        ID = "BW116"
	PackageManager    ID = "BW117"
	Compiler          ID = "BW118"
	NetworkTool       ID = "BW119"
	DownloadTool      ID = "BW143"
	EscapeTool        ID = "BW120"
	TraceRemoval      ID = "BW121"
	PrivilegeTool     ID = "BW147"
	CredentialSearch  ID = "BW122"
	CronWrite         ID = "BW124"
	LoginKeyWrite     ID = "BW125"
	ShellStartWrite   ID = "BW126"
	AccountWrite      ID = "BW127"
	ServiceWrite      ID = "BW128"
	ImageChange       ID = "BW129"
	DeletedProgram    ID = "BW130"
	OutsideProgram    ID = "BW131"
	HiddenProgram     ID = "BW132"
	DeviceFile        ID = "BW133"
	ServerShell       ID = "BW134"
	DatabaseChild     ID = "BW135"
	PrivilegeBit      ID = "BW136"
	EncodedCode       ID = "BW137"
	ForeignABI        ID = "BW138"
	BackdooredLibrary ID = "BW139"
	Keyring           ID = "BW148"
	RootChange        ID = "BW151"
)

// Rules for reports of the agent about itself.
const (
	// Suppressed stands for the alerts that a workload's rate limit held back.
	Suppressed ID = "BW000"
	// NoProfile: a workload should be guarded, and no document describes it.
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
	initialAccess       = "TA0001"
	credentialAccess    = "TA0006"
	impact              = "TA0040"
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
	{UnexpectedControl, "Connection to a service of the node", severity.Critical, UsesProfile, privilegeEscalation, "T1611"},
	{UnexpectedChange, "Unexpected change of a file", severity.Low, NeedsProfile, defenseEvasion, "T1222"},
	{BPFProgramLoad, "eBPF program load", severity.High, UsesProfile, defenseEvasion, "T1014"},
	{SharedMemoryExec, "Execution from shared memory", severity.High, UsesProfile, execution, "T1059"},
	{Drift, "Execution of a program that is not part of the image", severity.High, UsesProfile, defenseEvasion, "T1036"},
	{ExecFromMount, "Execution from a mount", severity.Medium, NeedsProfile, execution, "T1059"},
	{KernelModuleLoad, "Kernel module load", severity.Critical, IgnoresProfile, persistence, "T1547.006"},
	{FilelessExecution, "Fileless execution", severity.Critical, IgnoresProfile, defenseEvasion, "T1620"},
	{NewNamespace, "New namespaces by unshare", severity.High, UsesProfile, privilegeEscalation, "T1611"},
	{SymlinkToSensitive, "Symbolic link to a sensitive file", severity.High, UsesProfile, privilegeEscalation, "T1548"},
	{HardLinkToSensitive, "Hard link to a sensitive file", severity.High, UsesProfile, privilegeEscalation, "T1548"},
	{ProcessTracing, "Access to another process", severity.High, IgnoresProfile, defenseEvasion, "T1055.008"},
	{IOUring, "io_uring", severity.High, NeedsProfile, defenseEvasion, "T1562"},
	{Replaced, "Known program replaced", severity.High, IgnoresProfile, defenseEvasion, "T1036.005"},
	{LeftContainer, "Process left its container", severity.Critical, IgnoresProfile, privilegeEscalation, "T1611"},

	{TokenAccess, "Unexpected service account token access", severity.High, NeedsProfile, credentialAccess, "T1528"},
	{EnvironmentRead, "Read environment variables from procfs", severity.Medium, NeedsProfile, credentialAccess, "T1552.001"},
	{SensitiveFile, "Unexpected sensitive file access", severity.Medium, UsesProfile, collection, "T1005"},
	{KubernetesClient, "Kubernetes client executed", severity.Medium, NeedsProfile, discovery, "T1613"},
	{SSHConnection, "Malicious SSH connection", severity.Medium, UsesProfile, lateralMovement, "T1021.004"},
	{CryptoMiner, "Crypto miner launched", severity.Critical, IgnoresProfile, impact, "T1496"},
	{MiningPort, "Crypto mining port", severity.Medium, UsesProfile, impact, "T1496"},
	{LoaderHook, "Library loaded into every program", severity.High, UsesProfile, persistence, "T1574.006"},
	{ExecToPod, "Exec to pod", severity.Medium, IgnoresProfile, execution, "T1609"},
	{ReverseShell, "Reverse shell in arguments", severity.Critical, UsesProfile, execution, "T1059.004"},
	{DownloadAndRun, "Payload downloaded and run", severity.High, UsesProfile, commandAndControl, "T1105"},
	{KernelSetting, "Kernel setting that runs a program", severity.Critical, IgnoresProfile, privilegeEscalation, "T1611"},
	{RawDevice, "Raw device of the machine", severity.Critical, UsesProfile, defenseEvasion, "T1006"},
	{KernelLayout, "Kernel explored", severity.Medium, UsesProfile, discovery, "T1082"},
	{NamespaceEntry, "Another namespace entered", severity.High, UsesProfile, privilegeEscalation, "T1611"},
	{MountCall, "File system mounted", severity.High, UsesProfile, privilegeEscalation, "T1611"},
	{HandleOpen, "Files opened by handle", severity.High, UsesProfile, privilegeEscalation, "T1611"},
	{MachineStop, "Machine stopped or kernel replaced", severity.Critical, IgnoresProfile, impact, "T1529"},
	{ClockChange, "Clock changed", severity.Medium, UsesProfile, defenseEvasion, "T1070.006"},
	{IOPorts, "Ports of the hardware", severity.Critical, UsesProfile, privilegeEscalation, "T1068"},
	{UserFaults, "Page faults handled by a program", severity.High, UsesProfile, privilegeEscalation, "T1068"},
	{CloudMetadata, "Cloud metadata contacted", severity.High, UsesProfile, credentialAccess, "T1552.005"},
	{Sniffer, "Packets sniffed or forged", severity.High, UsesProfile, credentialAccess, "T1040"},
	{RareSocket, "Socket to the machine's host or the kernel's cryptography", severity.High, UsesProfile, privilegeEscalation, "T1068"},
	{PackageManager, "Package manager launched", severity.Medium, NeedsProfile, commandAndControl, "T1105"},
	{Compiler, "Compiler launched", severity.Medium, NeedsProfile, defenseEvasion, "T1027.004"},
	{NetworkTool, "Network tool launched", severity.Medium, NeedsProfile, discovery, "T1046"},
	{DownloadTool, "Download or copy tool launched", severity.Medium, NeedsProfile, commandAndControl, "T1105"},
	{EscapeTool, "Tool for leaving a container", severity.High, UsesProfile, privilegeEscalation, "T1611"},
	{TraceRemoval, "Traces removed", severity.Medium, NeedsProfile, defenseEvasion, "T1070"},
	{PrivilegeTool, "Privilege tool launched", severity.Medium, NeedsProfile, privilegeEscalation, "T1548.003"},
	{CredentialSearch, "Credentials searched for by a command", severity.High, UsesProfile, credentialAccess, "T1552.001"},
	{CronWrite, "Scheduled task written", severity.High, UsesProfile, persistence, "T1053.003"},
	{LoginKeyWrite, "Key for logins written", severity.High, UsesProfile, persistence, "T1098.004"},
	{ShellStartWrite, "Start-up file of shells written", severity.High, UsesProfile, persistence, "T1546.004"},
	{AccountWrite, "Accounts or their rights changed", severity.High, NeedsProfile, persistence, "T1136.001"},
	{ServiceWrite, "Definition of a service written", severity.High, UsesProfile, persistence, "T1543.002"},
	{ImageChange, "Program or library of the image changed", severity.High, NeedsProfile, persistence, "T1554"},
	{DeletedProgram, "Deleted program executed", severity.High, UsesProfile, defenseEvasion, "T1070.004"},
	{OutsideProgram, "Program of another mount namespace executed", severity.High, UsesProfile, privilegeEscalation, "T1611"},
	{HiddenProgram, "Hidden program executed", severity.Medium, NeedsProfile, defenseEvasion, "T1564.001"},
	{DeviceFile, "File made among the devices", severity.Medium, UsesProfile, defenseEvasion, "T1564"},
	{ServerShell, "Shell launched by a web server", severity.High, NeedsProfile, persistence, "T1505.003"},
	{DatabaseChild, "Process launched by a database", severity.High, NeedsProfile, execution, "T1190"},
	{PrivilegeBit, "Set-user-id bit or capability given to a program", severity.High, UsesProfile, privilegeEscalation, "T1548.001"},
	{EncodedCode, "Encoded code run", severity.Medium, NeedsProfile, defenseEvasion, "T1140"},
	{ForeignABI, "System call of a foreign ABI", severity.High, IgnoresProfile, defenseEvasion, "T1562"},
	{BackdooredLibrary, "Library with a back door loaded", severity.Critical, IgnoresProfile, initialAccess, "T1195.002"},
	{Keyring, "Keys of the kernel used", severity.Medium, NeedsProfile, credentialAccess, "T1555"},
	{RootChange, "Root directory changed", severity.High, NeedsProfile, privilegeEscalation, "T1611"},

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
