package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// The elements of JUnit's XML that Jenkins, GitLab and GitHub's actions read.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"` // seconds
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
	Out       string      `xml:"system-out,omitempty"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure,omitempty"`
	Error   *junitProblem `xml:"error,omitempty"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// sectionTests are the names of the tests that there always are.
var sectionTests = map[Section]string{
	Syscalls: "makes no unexpected system call",
	Execs:    "executes no unexpected program",
	Opens:    "opens no unexpected file",
	Other:    "stays in its container",
}

// JUnit writes the report as JUnit's XML: a suite for each container, in it a
// failed test for each deviation, and a passed one for each kind of act
// without any. An inconclusive report is an error.
func (r *Report) JUnit(w io.Writer) error {
	out := junitSuites{Name: r.title(), Time: seconds(r.Duration())}
	containers := r.Containers
	if len(containers) == 0 {
		containers = []Container{{}} // the verdict wants a place
	}
	for _, c := range containers {
		suite := r.suite(&c)
		out.Tests += suite.Tests
		out.Failures += suite.Failures
		out.Errors += suite.Errors
		out.Suites = append(out.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(out); err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (r *Report) suite(c *Container) junitSuite {
	suite := junitSuite{
		Name:      r.title() + " " + c.label(),
		Time:      seconds(r.Duration()),
		Timestamp: r.Start.UTC().Format("2006-01-02T15:04:05"),
		Out:       strings.Join(append([]string{r.Summary}, r.Caveats...), "\n"),
	}
	class := r.title() + "." + c.label()
	failed := make(map[Section]bool)
	for _, d := range r.Deviations() {
		if d.Container != c.Name && c.Name != "" {
			continue
		}
		failed[d.Section] = true
		suite.Failures++
		suite.Cases = append(suite.Cases, junitCase{Class: class, Name: d.Act, Time: "0", Failure: d.problem()})
	}
	if r.Verdict == Inconclusive {
		suite.Errors++
		problem := &junitProblem{Message: r.Summary, Type: string(r.Verdict), Text: r.Summary}
		suite.Cases = append(suite.Cases, junitCase{Class: class, Name: "was observed", Time: "0", Error: problem})
	} else {
		for _, section := range append(sections, Other) {
			if !failed[section] {
				suite.Cases = append(suite.Cases, junitCase{Class: class, Name: sectionTests[section], Time: suite.Time})
			}
		}
	}
	suite.Tests = len(suite.Cases)
	return suite
}

// problem describes a deviation in lines of text.
func (d *Deviation) problem() *junitProblem {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nseverity: %s\nrule: %s %s\n", d.Explanation, d.Severity, d.Rule, d.Rule.Name())
	for _, actor := range d.Actors {
		fmt.Fprintf(&b, "by: %s\n", actor.String())
	}
	if d.Allow != "" {
		fmt.Fprintf(&b, "accept: %s\n", d.Allow)
	}
	kind := d.Rule.String()
	if d.Platform != "" {
		kind += " platform"
	}
	return &junitProblem{Message: "unexpected " + d.Act, Type: kind, Text: b.String()}
}

// String names the actor's processes, and where and how often they acted.
func (a *Actor) String() string {
	names := make([]string, len(a.Chain))
	for i := range a.Chain {
		names[i] = program(&a.Chain[i])
	}
	text := strings.Join(names, " → ")
	if a.Pod != "" {
		text += " in pod " + a.Pod
	}
	if a.Node != "" {
		text += " on node " + a.Node
	}
	if a.Count > 1 {
		text += fmt.Sprintf(", %d times", a.Count)
	}
	return text
}

// title names the workload, or the document where there is no workload.
func (r *Report) title() string {
	if r.Workload.Name == "" {
		return r.Document.Name
	}
	return strings.Join(nonEmpty(r.Workload.Namespace, r.Workload.Kind, r.Workload.Name), "/")
}

// label names the container.
func (c *Container) label() string {
	if c.Name == "" {
		return "any"
	}
	return c.Name
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
