package incident

import (
	"fmt"
	"strings"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/severity"
)

// silenceFor is how long a silence is proposed for.
const silenceFor = 7 * 24 * time.Hour

// entry says how an incident came in.
func entry(a *alert.Alert) string {
	launcher := ""
	if len(a.Ancestors) > 0 {
		launcher = a.Ancestors[len(a.Ancestors)-1].Comm
	}
	switch {
	case a.Origin.Kind == alert.OriginOutside && a.Origin.TTY:
		return "from outside of the container, with a terminal"
	case a.Origin.Kind == alert.OriginOutside:
		return "from outside of the container"
	case a.Origin.Kind == alert.OriginHook:
		return "by a hook of the container runtime"
	case a.Origin.Kind == alert.OriginEntrypoint && launcher != "":
		return "through " + launcher + ", the container's own process"
	case a.Origin.Kind == alert.OriginEntrypoint:
		return "by the container's first process"
	}
	return ""
}

// advise explains the incident of a.
func advise(i *incident, a *alert.Alert) alert.Advice {
	subject := subjectOf(a)
	advice := alert.Advice{Silence: strings.Join(alert.Silences(a, "WHY", i.Last.Add(silenceFor)), ", "), Contain: contain(a)}
	switch d := &i.Root.Deviation; {
	case i.Root.New:
		advice.Means = "The new image does what the image before did not; it has been learned."
		advice.Normal = "New releases bring new behaviour: compare with the change log of the image."
	case d.Exec != nil:
		advice.Means = fmt.Sprintf("%s ran %s, which it does not run normally; the lines tell what that and its children did.", subject, d.Exec.Path)
		advice.Normal = "Normal are the programs and arguments of its profile alone."
	case d.Open != nil:
		advice.Means = fmt.Sprintf("%s touched %s, which it does not touch normally.", subject, d.Open.Path)
		advice.Normal = "Normal are the files of its profile, with the access that stands there."
	case d.Syscall != nil:
		advice.Means = fmt.Sprintf("%s made a system call that it does not make normally.", subject)
		advice.Normal = "Normal are the system calls of its profile; a new release or another kernel may bring harmless ones."
	case d.Moved != nil:
		advice.Means = fmt.Sprintf("A process of %s left the container.", subject)
		advice.Normal = "No process leaves its container normally."
	default:
		advice.Means = a.Message
	}
	if i.Worst >= severity.Critical {
		advice.Means += " One act is critical: treat it as an intrusion until you know better."
	}
	return advice
}

func subjectOf(a *alert.Alert) string {
	var parts []string
	for _, part := range []string{a.Workload.Namespace, a.Workload.Kind, a.Workload.Name, a.Container.Name} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

// contain returns a command that ends the processes of the incident.
func contain(a *alert.Alert) string {
	if a.Pod.Name != "" {
		return alert.Quote("kubectl", "--namespace", a.Workload.Namespace, "delete", "pod", a.Pod.Name)
	}
	if a.Process.PID != 0 {
		return fmt.Sprintf("kill -STOP %d (on node %s)", a.Process.PID, a.Node)
	}
	return ""
}
