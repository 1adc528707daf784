// Package alert turns deviations into alerts and brings them to their sinks.
//
// Its invariants: Enqueue never waits for a sink; one workload's deviations
// never delay another's; whatever is not delivered is counted; and no string
// in an Alert holds a byte that could end a line, steer a terminal or be
// mistaken for another byte.
package alert

import (
	"time"

	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

// Alert is one incident: what deviated, in which container, done by whom. Its
// JSON is API, described in docs/alerts.md.
//
// Strings that a container can influence are in the form that Printable
// makes: printable UTF-8, everything else as \xNN, cut ones ending in ….
type Alert struct {
	// Fingerprint names the incident. It is the same for every replica,
	// restart and process that does the same.
	Fingerprint string            `json:"fingerprint"`
	Rule        rule.ID           `json:"rule"`
	RuleName    string            `json:"ruleName"`
	Severity    severity.Severity `json:"severity"`
	Message     string            `json:"message"` // one sentence

	// Count is how often it happened from First to Last, so far. An alert that
	// is sent again carries the sum, not the difference.
	Count uint64    `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`

	Node string `json:"node,omitempty"`
	Subject

	Deviation Deviation `json:"deviation,omitzero"`
	Origin    Origin    `json:"origin,omitzero"`
	// Process did it. Ancestors are its parent, the parent's parent and so on,
	// up to the container's first process at most.
	Process   Process   `json:"process,omitzero"`
	Ancestors []Process `json:"ancestors,omitempty"`

	// New says that the workload is learning a new image: the act was learned,
	// and the profile of the image before did not allow it.
	New bool `json:"new,omitempty"`

	// Suppressed counts, for rule.Suppressed, the deviations held back.
	Suppressed map[rule.ID]uint64 `json:"suppressed,omitempty"`
	// Allow is the command that would accept the deviation, quoted for bash,
	// zsh, ksh and busybox. It is empty where no document can allow it, or
	// none could without allowing more.
	Allow string `json:"allow,omitempty"`
}

// Subject is whom an alert is about.
type Subject struct {
	Workload  Workload  `json:"workload"`
	Pod       Pod       `json:"pod,omitzero"`
	Container Container `json:"container"`
	Profile   Profile   `json:"profile,omitzero"`
}

// Workload is the top owner, such as a Deployment; never a ReplicaSet.
type Workload struct {
	Namespace string `json:"namespace,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name"`
}

// Pod is the Kubernetes pod, if there is one.
type Pod struct {
	Name string `json:"name,omitempty"`
	UID  string `json:"uid,omitempty"`
	// Labels are those that the configuration asks for.
	Labels map[string]string `json:"labels,omitempty"`
}

// Container is the container, or the cgroup that stands for one.
type Container struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Type   string `json:"type,omitempty"` // init or ephemeral; empty for a regular one
	Image  string `json:"image,omitempty"`
	Digest string `json:"digest,omitempty"`
}

// Profile tells how far the profile that was deviated from can be trusted to
// hold everything the workload does.
type Profile struct {
	Completeness profile.Completeness `json:"completeness,omitempty"`
}

// Deviation is what happened; exactly one of the pointers is set.
type Deviation struct {
	Syscall *Syscall `json:"syscall,omitempty"`
	Exec    *Exec    `json:"exec,omitempty"`
	Open    *Open    `json:"open,omitempty"`
	Moved   *Moved   `json:"moved,omitempty"`
}

// Syscall is a system call outside of the profile.
type Syscall struct {
	Name   string `json:"name,omitempty"` // empty if no table names the number
	ABI    string `json:"abi"`            // amd64, arm64, 386, arm, x32 or unknown
	Number uint32 `json:"number"`
}

// Exec is an execution outside of the profile. Path is absolute, or memfd:NAME,
// outside:/PATH or truncated:/REST.
type Exec struct {
	Path string   `json:"path"`
	Args []string `json:"args,omitempty"` // with argv[0]
	File File     `json:"file"`
}

// Open is an open outside of the profile. Path is as in Exec.
type Open struct {
	Path  string `json:"path"`
	Flags string `json:"flags"` // O_RDONLY, O_WRONLY, O_RDWR or O_PATH
	// Refused is the name of the error that the kernel answered with. Path is
	// then what the process asked for.
	Refused string `json:"refused,omitempty"`
	IOUring bool   `json:"ioUring,omitempty"`
	File    File   `json:"file,omitzero"`
}

// Moved is a process that left the container.
type Moved struct {
	Cgroup string `json:"cgroup"` // where it went, below the hierarchy's root
}

// File is what the kernel knew of a file.
type File struct {
	Memfd      bool   `json:"memfd,omitempty"`      // never had a name
	UpperLayer bool   `json:"upperLayer,omitempty"` // not part of the image
	Deleted    bool   `json:"deleted,omitempty"`    // had no name any more
	Outside    bool   `json:"outside,omitempty"`    // not in the process's mount namespace
	Device     string `json:"device,omitempty"`     // major:minor
	Inode      uint64 `json:"inode,omitempty"`
}

// Origin tells how the process came into the container.
type Origin struct {
	Kind string `json:"kind"` // entrypoint, outside, hook or unknown
	TTY  bool   `json:"tty,omitempty"`
}

// The kinds of Origin.
const (
	OriginEntrypoint = "entrypoint"
	OriginOutside    = "outside"
	OriginHook       = "hook"
	OriginUnknown    = "unknown"
)

// Process is a process at the time of the deviation.
type Process struct {
	PID   uint32    `json:"pid"` // in the node's pid namespace
	Start time.Time `json:"start"`
	UID   uint32    `json:"uid"` // in the node's user namespace
	Comm  string    `json:"comm"`
	// Exe and Args are what it executed, empty if that is not known.
	Exe  string   `json:"exe,omitempty"`
	Args []string `json:"args,omitempty"`
	// Forked says that it never executed anything itself: Exe and Args are its
	// parent's at the time of the fork.
	Forked bool `json:"forked,omitempty"`
	// Memfd and UpperLayer are facts of the executed file, as in File.
	Memfd      bool `json:"memfd,omitempty"`
	UpperLayer bool `json:"upperLayer,omitempty"`
}
