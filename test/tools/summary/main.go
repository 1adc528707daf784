// Command summary reads what `go test -json` prints, of one run or of several
// one after another, shows the packages as they end and the output of what
// failed, and closes with one line: how many tests passed, failed and were
// skipped. It exits 1 if any failed, a package did not build, or none ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // in place of Package, for what the compiler says
	Test       string
	Output     string
	Elapsed    float64
}

type counts struct{ passed, failed, skipped int }

func main() {
	c, err := summarise(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		os.Exit(1)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", c.passed, c.failed, c.skipped)
	if c.failed > 0 || c.passed == 0 {
		os.Exit(1)
	}
}

func summarise(r io.Reader, w io.Writer) (counts, error) {
	var c counts
	output := map[string]string{} // by package and test
	failed := map[string]bool{}   // packages with a failed test
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(w, line) // not of go test: the compiler, make
			} else {
				c.add(e, output, failed, w)
			}
		}
		if err == io.EOF {
			return c, nil
		}
		if err != nil {
			return c, err
		}
	}
}

func (c *counts) add(e event, output map[string]string, failed map[string]bool, w io.Writer) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(w, e.Output)
	case "output":
		output[key] += e.Output
	case "pass", "skip", "fail":
		if e.Test == "" {
			c.endPackage(e, output[key], failed[e.Package], w)
		} else {
			c.endTest(e, output[key], w)
			failed[e.Package] = failed[e.Package] || e.Action == "fail"
		}
		delete(output, key)
	}
}

func (c *counts) endTest(e event, output string, w io.Writer) {
	switch e.Action {
	case "pass":
		c.passed++
	case "skip":
		c.skipped++
		fmt.Fprintf(w, "SKIP %s %s\n%s", e.Package, e.Test, output)
	case "fail":
		c.failed++
		fmt.Fprintf(w, "FAIL %s %s\n%s", e.Package, e.Test, output)
	}
}

// endPackage counts a package that failed without any of its tests having
// done so, because it did not build, or crashed.
func (c *counts) endPackage(e event, output string, told bool, w io.Writer) {
	switch {
	case e.Action == "fail" && !told:
		c.failed++
		fmt.Fprintf(w, "FAIL %s\n%s", e.Package, output)
	case e.Action == "pass" && !strings.Contains(output, "[no test files]"):
		fmt.Fprintf(w, "ok   %s %.1fs\n", e.Package, e.Elapsed)
	}
}
