package story

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"time"

	"bobwatch/internal/alert"
	"bobwatch/internal/term"
)

var (
	//go:embed page.html
	pageText string

	page = template.Must(template.New("incident").Funcs(template.FuncMap{
		"clock": func(t time.Time) string { return t.UTC().Format(time.TimeOnly) },
		"stamp": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	}).Parse(pageText))
)

// view holds the data of the page in addition to the incident itself.
type view struct {
	*alert.Alert
	Now                                               time.Time
	Subject, GoesOn, Where, Rules, Accepting, Allowed string
}

// HTML writes an incident as one page that needs nothing else: no network, no
// script. Everything that a container can influence is text in it.
func HTML(w io.Writer, a *alert.Alert, now time.Time) error {
	v := view{
		Alert: a, Now: now, Subject: Subject(a), GoesOn: goesOn(a, now), Where: where(a), Rules: rules(a.Story),
		Accepting: Accepting(a), Allowed: term.Escape(a.Allow.String()),
	}
	if err := page.Execute(w, v); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
