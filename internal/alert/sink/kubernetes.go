package sink

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"bobwatch/internal/alert"
	"bobwatch/internal/kubernetes"
	"bobwatch/internal/workload"
)

// Kubernetes writes alerts as Events on the pod they are about, where
// `kubectl describe pod` shows them. Alerts without a pod are none of its
// business.
type Kubernetes struct {
	name   string
	client *kubernetes.Client
}

// NewKubernetes returns a sink called name.
func NewKubernetes(name string, client *kubernetes.Client) *Kubernetes {
	return &Kubernetes{name: name, client: client}
}

// Name implements alert.Sink.
func (k *Kubernetes) Name() string { return k.name }

// Send implements alert.Sink.
func (k *Kubernetes) Send(ctx context.Context, alerts []alert.Alert) (int, error) {
	for i := range alerts {
		if alerts[i].Pod.UID == "" {
			continue
		}
		if err := k.client.UpdateEvent(ctx, eventOf(&alerts[i])); err != nil {
			if kubernetes.Refused(err) {
				err = fmt.Errorf("%w: %w", alert.ErrRefused, err)
			}
			return i, fmt.Errorf("write event: %w", err)
		}
	}
	return len(alerts), nil
}

func eventOf(a *alert.Alert) *kubernetes.Event {
	return &kubernetes.Event{
		APIVersion: "v1", Kind: "Pod",
		Namespace: a.Workload.Namespace, Name: a.Pod.Name, UID: a.Pod.UID,
		FieldPath: fieldPath(&a.Container),
		Reason:    reason(a.RuleName),
		Message:   fmt.Sprintf("%s %s: %s", a.Rule, a.Severity, a.Message),
		Key:       a.Fingerprint,
		Count:     a.Count,
		First:     a.First,
		Last:      a.Last,
	}
}

// fieldPath is where a pod says which container it is.
func fieldPath(c *alert.Container) string {
	list := "containers"
	switch c.Type {
	case workload.TypeInit:
		list = "initContainers"
	case workload.TypeEphemeral:
		list = "ephemeralContainers"
	}
	return "spec." + list + "{" + c.Name + "}"
}

// reason makes one word of a rule's name: UnexpectedProcessLaunched.
func reason(ruleName string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(ruleName, func(r rune) bool { return !unicode.IsLetter(r) }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
