// Package profile is the Bill of Behavior: the document that lists the acts that a
// workload may do, and its algebra: merge, diff, cover, bind.
//
// A Profile is plain data. Every function that takes one leaves it unchanged
// and every function that returns one returns it normalised: sorted, without
// duplicates, empty lists nil.
package profile

//go:generate go test -run ^TestSchema$ . -update-schema

// APIVersion and Kind of the documents this package reads and writes.
const (
	APIVersion = "bobwatch/v1alpha1"
	Kind       = "BillOfBehavior"
)

// Profile is a Bill of Behavior document.
type Profile struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`
	Spec       Spec     `json:"spec"`
}

// AllowanceLabel marks, with the value "true", a document that only adds to other
// documents about a workload: alone it is no profile. Kubescape's overlays
// get it when they are read.
const AllowanceLabel = "bobwatch/allowance"

// IsAllowance reports whether p only adds to other documents.
func (p *Profile) IsAllowance() bool {
	return p.Metadata.Labels[AllowanceLabel] == "true"
}

// Metadata names a document.
type Metadata struct {
	Name        string            `json:"name"`
	Version     string            `json:"version,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Spec holds the acts that a workload may do, and the workloads that it applies to.
type Spec struct {
	Parameters []Parameter `json:"parameters,omitempty"`
	Workload   Workload    `json:"workload,omitzero"`
	// Senses are the sections that the document speaks for: an act that they do not
	// list is a deviation. A section that no document speaks for is not judged. Without
	// senses these are syscalls, execs and opens of every container that lists some.
	Senses     []Sense     `json:"senses,omitempty"`
	Containers []Container `json:"containers"`
	Provenance Provenance  `json:"provenance,omitzero"`
	// Kubescape keeps fields of other formats about the whole workload that have no
	// place above, as Container.Kubescape does for a container.
	Kubescape map[string]any `json:"kubescape,omitempty"`
}

// ParameterKind is the set of values a parameter may take.
type ParameterKind string

// The kinds of parameters.
const (
	ParameterString  ParameterKind = "string"
	ParameterCIDR    ParameterKind = "cidr"
	ParameterPort    ParameterKind = "port"
	ParameterSegment ParameterKind = "segment" // one path segment
)

// Parameter is a value the customer supplies, written $(name) in the document.
// Its value is not part of the signed bytes.
type Parameter struct {
	Name        string        `json:"name"`
	Kind        ParameterKind `json:"kind"`
	Default     string        `json:"default,omitempty"`
	Description string        `json:"description,omitempty"`
	// WidestPrefix is the shortest prefix length a cidr value may have, in bits.
	WidestPrefix int `json:"widestPrefix,omitempty"`
}

// Workload selects the workloads a document applies to. An empty field
// matches anything. It never names a ReplicaSet.
type Workload struct {
	Namespace string            `json:"namespace,omitempty"`
	Kind      string            `json:"kind,omitempty"`
	Name      string            `json:"name,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
}

// ContainerType names the list of a pod that a container is in.
type ContainerType string

// The container types; the empty one means ContainerRegular.
const (
	ContainerRegular   ContainerType = "container"
	ContainerInit      ContainerType = "init"
	ContainerEphemeral ContainerType = "ephemeral"
)

// Sense names a section of a document.
type Sense string

// The sections a document can speak for.
const (
	SenseSyscalls     Sense = "syscalls"
	SenseExecs        Sense = "execs"
	SenseOpens        Sense = "opens"
	SenseNetwork      Sense = "network"
	SenseCapabilities Sense = "capabilities"
	SenseChanges      Sense = "changes"
)

// Container is the behaviour of one container of the workload. An empty Name
// matches every container of its type.
type Container struct {
	Name     string              `json:"name"`
	Type     ContainerType       `json:"type,omitempty"`
	Images   []string            `json:"images,omitempty"`
	Syscalls map[string][]string `json:"syscalls,omitempty"` // by GOARCH name; "386" and "arm" for 32-bit calls
	Execs    []Exec              `json:"execs,omitempty"`
	Opens    []Open              `json:"opens,omitempty"`
	Changes  []Change            `json:"changes,omitempty"`
	// Directories are whole directories whose files are allowed by their kind: files
	// of the image, the workload's own, or content for it to read.
	Directories []Directory `json:"directories,omitempty"`
	// Support names sets of calls and files that are allowed as well, by name and
	// version as in libc/1: acts that the kernel, libc or a runtime does by itself.
	Support      []string   `json:"support,omitempty"`
	Capabilities []string   `json:"capabilities,omitempty"` // without CAP_
	Network      Network    `json:"network,omitzero"`
	Endpoints    []Endpoint `json:"endpoints,omitempty"`
	// Kubescape keeps fields of other formats that bobwatch has no place for, so
	// that a document survives a conversion and back.
	Kubescape map[string]any `json:"kubescape,omitempty"`
}

// Exec allows one program with one pattern of arguments.
type Exec struct {
	Path string   `json:"path"`
	Args []string `json:"args,omitempty"` // with argv[0]; empty allows any unless ArgsRequired
	Envs []string `json:"envs,omitempty"`
	// ArgsRequired makes an empty Args mean "no arguments at all".
	ArgsRequired bool `json:"argsRequired,omitempty"`
}

// Open allows opening files that match Path with the access Flags name
// (O_RDONLY, O_WRONLY, O_RDWR, O_PATH; others are kept). No access flag allows
// every access.
type Open struct {
	Path  string   `json:"path"`
	Flags []string `json:"flags,omitempty"`
}

// Change allows changing the files and names that match Path by the acts named: those
// of event.ChangeAct. A call with two names, such as rename, needs both.
type Change struct {
	Path string   `json:"path"`
	Acts []string `json:"acts"`
}

// DirectoryClass says whose files a directory holds.
type DirectoryClass string

// The classes of directories.
const (
	// DirectoryImage holds files of the image. They may be read, if nobody wrote
	// them in the container.
	DirectoryImage DirectoryClass = "image"
	// DirectoryData holds files that the workload makes, changes and removes. They
	// may be opened with the directory's flags, but code and configuration only be read.
	DirectoryData DirectoryClass = "data"
	// DirectoryContent holds files that others put there for the workload to read,
	// except code.
	DirectoryContent DirectoryClass = "content"
)

// Directory allows the files of a directory, depending on the purpose of the directory.
// Secrets and odd names (package sensitive) are never among them. Path is a pattern that
// ends in ⋯, for the files in a directory, or in *, for all below it. The directory
// itself may be read, too.
type Directory struct {
	Path  string         `json:"path"`
	Class DirectoryClass `json:"class"`
	Flags []string       `json:"flags,omitempty"` // of DirectoryData
}

// Network lists the peers, ports and sockets of the container.
type Network struct {
	Egress  []Neighbor `json:"egress,omitempty"`
	Ingress []Neighbor `json:"ingress,omitempty"`
	// Listens are the ports that peers may reach.
	Listens []Port `json:"listens,omitempty"`
	// Sockets are the families of sockets that are made, such as "inet",
	// "netlink" and "inet/raw".
	Sockets []string `json:"sockets,omitempty"`
	// Unix are the sockets of the node's own services, such as a container
	// runtime's, that are connected to. Others are not judged.
	Unix []string `json:"unix,omitempty"`
}

// Neighbor is one peer, or one set of peers.
type Neighbor struct {
	Identifier  string   `json:"identifier,omitempty"`
	Type        string   `json:"type,omitempty"` // internal or external
	DNSNames    []string `json:"dnsNames,omitempty"`
	IPAddresses []string `json:"ipAddresses,omitempty"`
	// Entities are groups of addresses that mean the same in every cluster:
	// loopback, private, link-local, metadata, multicast, world.
	Entities          []string       `json:"entities,omitempty"`
	Ports             []Port         `json:"ports,omitempty"`
	PodSelector       map[string]any `json:"podSelector,omitempty"`
	NamespaceSelector map[string]any `json:"namespaceSelector,omitempty"`
	// Kubescape keeps other ways to name a peer, such as serviceRefName. A
	// neighbor that has one is narrower than the fields above say.
	Kubescape map[string]any `json:"kubescape,omitempty"`
}

// Port is a transport port. Number is a string because it may be a parameter.
type Port struct {
	Name     string `json:"name,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	Port     string `json:"port"`
	// EndPort makes it a range, which includes both ends.
	EndPort string `json:"endPort,omitempty"`
}

// Endpoint is an HTTP endpoint the container serves or calls.
type Endpoint struct {
	Endpoint  string              `json:"endpoint"` // ":<port><path>", port 0 is any
	Methods   []string            `json:"methods,omitempty"`
	Internal  bool                `json:"internal,omitempty"`
	Direction string              `json:"direction,omitempty"` // inbound or outbound
	Headers   map[string][]string `json:"headers,omitempty"`
}

// Completeness says how far a document may be trusted to hold everything the
// workload does.
type Completeness string

// The grades of completeness; the empty one claims nothing (written by hand).
const (
	Complete Completeness = "complete"
	Partial  Completeness = "partial"  // something was lost, or the start was not seen
	Learning Completeness = "learning" // the window has not ended
)

// Provenance says how a document was made.
type Provenance struct {
	LearnedFor   string       `json:"learnedFor,omitempty"` // a Go duration
	From         string       `json:"from,omitempty"`       // start, or attach when the start was not seen
	Completeness Completeness `json:"completeness,omitempty"`
	Lost         uint64       `json:"lost,omitempty"`     // records that were lost or held back while learning
	NotKept      uint64       `json:"notKept,omitempty"`  // facts that were learned and that the document could not hold
	CutShort     bool         `json:"cutShort,omitempty"` // learning ended before its window did
	Kernels      []string     `json:"kernels,omitempty"`
	Runtimes     []string     `json:"runtimes,omitempty"`
	Agents       []string     `json:"agents,omitempty"`
}
