// Package alert makes alerts of deviations, and writes them as JSON and as text.
//
// Its invariant: no string in an Alert holds a byte that could end a line, steer
// a terminal or be mistaken for another byte.
package alert

import (
	"time"

	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

//go:generate go test -run ^TestSchema$ . -update-schema

// SchemaVersion is the version of the format that this package writes. A reader
// leaves out fields that it does not know, and takes rules and kinds of acts
// that it does not know as they come.
const SchemaVersion = 1

// Alert is one deviation with its repeats: the act, the container, the process. Its
// JSON is API, described in docs/alerts.md.
//
// Strings that a container can influence are in the form that Printable
// makes: printable UTF-8, everything else as \xNN, cut ones ending in ….
type Alert struct {
	// Schema is the version of the format. It is raised when a field changes its
	// meaning; fields that are added leave it as it is.
	Schema int `json:"schema"`
	// ID names this alert. It stays the same when the alert is sent again.
	ID string `json:"id"`
	// Fingerprint names the incident. It is the same for every replica,
	// restart and process that does the same.
	Fingerprint string  `json:"fingerprint"`
	Rule        rule.ID `json:"rule"`
	RuleName    string  `json:"ruleName"`
	// Also are other rules that the same act breaks.
	Also     []rule.ID         `json:"also,omitempty"`
	Severity severity.Severity `json:"severity"`
	Message  string            `json:"message"` // one sentence

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

	// Incident names the incident that the alert is part of. Story tells it as a
	// whole; only an alert that stands for an incident has one.
	Incident string `json:"incident,omitempty"`
	Story    *Story `json:"story,omitempty"`
	// Lineage names the process and its ancestors, for the agent itself.
	Lineage []ProcessKey `json:"-"`

	// New says that the workload is learning a new image: the act was learned,
	// and the profile of the image before did not allow it.
	New bool `json:"new,omitempty"`

	// Suppressed counts, for rule.Suppressed, the deviations held back.
	Suppressed map[rule.ID]uint64 `json:"suppressed,omitempty"`
	// Gravest and Latest are, for rule.Suppressed, the worst and the last of
	// the alerts held back, without their ancestors.
	Gravest *Alert `json:"gravest,omitempty"`
	Latest  *Alert `json:"latest,omitempty"`
	// Allow is the allowance that accepts the deviation. There is none if no
	// document can allow it, or none can without allowing more.
	Allow *Allowance `json:"allow,omitempty"`
}

// Subject is the container that an alert is about.
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

// Profile says whether the profile can be trusted to hold all acts of the workload.
type Profile struct {
	Completeness profile.Completeness `json:"completeness,omitempty"`
}

// Deviation is the act that deviates; one of the pointers is set. None is set for an act
// of a kind that only a newer version knows.
type Deviation struct {
	Syscall *Syscall `json:"syscall,omitempty"`
	Exec    *Exec    `json:"exec,omitempty"`
	Open    *Open    `json:"open,omitempty"`
	Change  *Change  `json:"change,omitempty"`
	Contact *Contact `json:"contact,omitempty"`
	Socket  *Socket  `json:"socket,omitempty"`
	Moved   *Moved   `json:"moved,omitempty"`
}

// File is a file as the kernel knows it.
type File struct {
	Memfd      bool   `json:"memfd,omitempty"`      // never had a name
	UpperLayer bool   `json:"upperLayer,omitempty"` // not part of the image
	Deleted    bool   `json:"deleted,omitempty"`    // had no name any more
	Outside    bool   `json:"outside,omitempty"`    // not in the process's mount namespace
	Device     string `json:"device,omitempty"`     // major:minor
	Inode      uint64 `json:"inode,omitempty"`
}

// Origin says how the process came into the container.
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
	// Exe and Args are the program and its arguments; empty if they are unknown.
	Exe  string   `json:"exe,omitempty"`
	Args []string `json:"args,omitempty"`
	// Forked says that it never executed anything itself: Exe and Args are its
	// parent's at the time of the fork.
	Forked bool `json:"forked,omitempty"`
	// Memfd and UpperLayer are facts of the executed file, as in File.
	Memfd      bool `json:"memfd,omitempty"`
	UpperLayer bool `json:"upperLayer,omitempty"`
}
