package story

import (
	"bobwatch/internal/alert"
	"bobwatch/internal/term"
)

// Bounds of the texts of one incident.
const (
	maxText  = 16 << 10 // runes of one text
	maxLines = 256
)

// legible returns the incident with the texts that are shown made printable and
// bounded: an agent writes no others, but a file may hold anything.
func legible(a alert.Alert) alert.Alert {
	for _, text := range []*string{
		&a.ID, &a.Node, &a.RuleName, &a.Workload.Namespace, &a.Workload.Kind, &a.Workload.Name, &a.Pod.Name,
		&a.Container.ID, &a.Container.Name, &a.Container.Image, &a.Message, &a.Process.Comm, &a.Process.Exe,
	} {
		*text = clean(*text)
	}
	a.Incident = a.ID
	a.Ancestors = bounded(a.Ancestors)
	for i := range a.Ancestors {
		a.Ancestors[i].Comm = clean(a.Ancestors[i].Comm)
	}
	s := *a.Story
	for _, text := range []*string{&s.Entry, &s.Advice.Means, &s.Advice.Normal, &s.Advice.Silence, &s.Advice.Contain} {
		*text = clean(*text)
	}
	s.Processes, s.Techniques = bounded(s.Processes), bounded(s.Techniques)
	for _, texts := range [][]string{s.Processes, s.Techniques} {
		for i := range texts {
			texts[i] = clean(texts[i])
		}
	}
	s.Rules, s.Timeline = bounded(s.Rules), bounded(s.Timeline)
	for i := range s.Timeline {
		s.Timeline[i].Message = clean(s.Timeline[i].Message)
	}
	a.Story = &s
	return a
}

// bounded returns a copy of the first elements.
func bounded[T any](list []T) []T {
	return append([]T(nil), list[:min(len(list), maxLines)]...)
}

// clean returns a text without terminal controls, cut to its bound.
func clean(text string) string {
	if runes := []rune(text); len(runes) > maxText {
		text = string(runes[:maxText]) + "…"
	}
	return term.Escape(text)
}
