// Package findings finds mistakes in files of documents, with their places, for
// bobctl check.
package findings

import (
	"fmt"
	"strconv"
	"strings"

	"bobwatch/internal/docfile"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/lint"
	"bobwatch/internal/rule/custom"
	"bobwatch/internal/term"
)

// Check validates documents.
type Check struct {
	Terminal *term.Terminal
	Format   term.Format
	Strict   bool     // warnings are an answer of no
	Patterns []string // of further credentials
}

// finding is one remark on a file. Line and Column are 0 if it is about no
// place in it.
type finding struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Severity string `json:"severity"`
	Document string `json:"document,omitempty"`
	Field    string `json:"field,omitempty"`
	Message  string `json:"message"`
}

const (
	severityError   = "error"
	severityWarning = "warning"
)

// Run prints the findings of files.
func (o Check) Run(paths []string) error {
	if _, err := lint.Secrets(&profile.Profile{}, o.Patterns); err != nil {
		return term.Usagef("--redact: %v", err)
	}
	findings := []finding{}
	invalid, warned := 0, 0
	for _, path := range paths {
		found, ok := o.checkFile(path)
		findings = append(findings, found...)
		if !ok {
			invalid++
		} else if len(found) > 0 {
			warned++
		}
	}
	if o.Format != term.Table {
		if err := o.Format.Encode(o.Terminal.Out, findings); err != nil {
			return err
		}
	} else {
		for i := range findings {
			fmt.Fprintln(o.Terminal.Out, findingLine(o.Terminal, &findings[i]))
		}
	}
	switch {
	case invalid > 0:
		return fmt.Errorf("%d of %d files are no documents that can be used", invalid, len(paths))
	case warned > 0 && o.Strict:
		return term.ErrFound
	}
	return nil
}

// checkFile returns the findings about a file, and whether it is valid.
func (o Check) checkFile(path string) ([]finding, bool) {
	data, err := docfile.Read(o.Terminal.In, path)
	if err != nil {
		return []finding{{File: docfile.NameOf(path), Severity: severityError, Message: err.Error()}}, false
	}
	if custom.Holds(docfile.NameOf(path), data) {
		return checkRules(docfile.NameOf(path), data)
	}
	content, err := docfile.Content(path, data)
	if err != nil {
		return parseFindings(docfile.NameOf(path), err), false
	}
	var findings []finding
	source := docfile.NewSource(data)
	valid := true
	for _, o := range content.Passed {
		findings = append(findings, finding{
			File: docfile.NameOf(path), Line: o.Line, Column: 1, Severity: severityWarning, Message: o.String() + " is passed over: it is of another kind",
		})
	}
	for _, p := range content.Profiles {
		secrets, _ := lint.Secrets(p, o.Patterns) // Run has tried the patterns
		for _, w := range secrets {
			valid = false
			f := finding{
				File: docfile.NameOf(path), Severity: severityError,
				Document: p.Metadata.Name, Field: w.Field, Message: w.Message,
			}
			f.Line, f.Column = source.Find(p, w.Field)
			findings = append(findings, f)
		}
		for _, w := range lint.Warnings(p) {
			f := finding{
				File: docfile.NameOf(path), Severity: severityWarning,
				Document: p.Metadata.Name, Field: w.Field, Message: w.Message,
			}
			f.Line, f.Column = source.Find(p, w.Field)
			findings = append(findings, f)
		}
	}
	if f := unsigned(path, content.Profiles); f != nil {
		findings = append(findings, *f)
	}
	return findings, valid
}

// checkRules returns the findings about a file with rules.
func checkRules(name string, data []byte) ([]finding, bool) {
	set, err := custom.Parse([]custom.File{{Name: name, Data: data}})
	if err != nil {
		return parseFindings(name, err), false
	}
	var findings []finding
	for _, warning := range set.Warnings {
		findings = append(findings, finding{File: name, Severity: severityWarning, Message: warning})
	}
	return findings, true
}

// unsigned remarks on a file without a signature next to it.
func unsigned(path string, documents []*profile.Profile) *finding {
	if path == docfile.Stdin || len(docfile.Existing(docfile.SignaturePaths(path))) > 0 {
		return nil
	}
	message := fmt.Sprintf("is not signed; the agent may refuse it: bobctl sign --key NAME.key %s", path)
	if len(documents) > 1 {
		message = fmt.Sprintf("is not signed, and cannot be: a signature is for a file with one document, this one holds %d", len(documents))
	}
	return &finding{File: path, Severity: severityWarning, Message: message}
}

// parseFindings takes the errors of documents.Parse apart, which say
// file:line:column: message, one a line.
func parseFindings(file string, err error) []finding {
	var findings []finding
	for line := range strings.Lines(err.Error()) {
		f := finding{File: file, Severity: severityError, Message: strings.TrimSuffix(line, "\n")}
		if rest, ok := strings.CutPrefix(f.Message, file+":"); ok {
			f.Message = strings.TrimPrefix(rest, " ")
			if parts := strings.SplitN(rest, ":", 3); len(parts) == 3 {
				line, errLine := strconv.Atoi(parts[0])
				column, errColumn := strconv.Atoi(parts[1])
				if errLine == nil && errColumn == nil {
					f.Line, f.Column, f.Message = line, column, strings.TrimPrefix(parts[2], " ")
				}
			}
		}
		findings = append(findings, f)
	}
	return findings
}

func findingLine(t *term.Terminal, f *finding) string {
	where := f.File
	if f.Line > 0 {
		where += fmt.Sprintf(":%d:%d", f.Line, f.Column)
	}
	colour := term.Yellow
	if f.Severity == severityError {
		colour = term.Red
	}
	message := f.Message
	if f.Field != "" {
		message = f.Field + ": " + message
	}
	return fmt.Sprintf("%s: %s %s", term.Escape(where), t.Colour(colour, f.Severity+":"), term.Escape(message))
}
