// Command summary reads what `go test -json` prints, of several runs at once:
// of each file that it is given, or else of its standard input. It shows the
// packages as they end, with their time and coverage, and the output of what
// failed. It closes with the coverage of all and one line: how many tests
// passed, failed and were skipped. It exits 1 if any failed, a package did not
// build, or a run had none.
//
// A line {"Action":"pass","Package":"linters","Test":"x"} of another program
// counts as a test, too, and lines that are not JSON are printed as they are.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
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
	profiles := flag.String("profiles", "", "`directory` with coverage profiles, *.out")
	flag.Parse()
	s := newSummary(os.Stdout)
	if err := s.readAll(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		os.Exit(1)
	}
	if *profiles != "" {
		files, err := filepath.Glob(filepath.Join(*profiles, "*.out"))
		if err != nil {
			fmt.Fprintln(os.Stderr, "summary:", err)
			os.Exit(1)
		}
		percent, err := coverage(files)
		if err != nil {
			fmt.Fprintln(os.Stderr, "summary: read coverage:", err)
			os.Exit(1)
		}
		fmt.Printf("coverage: %.1f%% of statements, by the tests of their own package\n", percent)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", s.counts.passed, s.counts.failed, s.counts.skipped)
	if s.counts.failed > 0 || s.counts.passed == 0 {
		os.Exit(1)
	}
}

// A summary may read several runs at once, of different packages.
type summary struct {
	mu     sync.Mutex
	w      io.Writer
	output map[string]string // by package and test
	failed map[string]bool   // packages with a failed test
	counts counts
}

func newSummary(w io.Writer) *summary {
	return &summary{w: w, output: map[string]string{}, failed: map[string]bool{}}
}

func (s *summary) readAll(files []string) error {
	if len(files) == 0 {
		return s.read(os.Stdin, "standard input")
	}
	var group errgroup.Group
	for _, file := range files {
		group.Go(func() error {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			return s.read(f, file)
		})
	}
	return group.Wait()
}

// read reads one run. A run without a result did not begin, which counts as a
// failure.
func (s *summary) read(r io.Reader, name string) error {
	lines := bufio.NewReader(r)
	results := false
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			results = s.add(line) || results
		}
		if err == nil {
			continue
		}
		if err != io.EOF {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if !results {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.counts.failed++
			fmt.Fprintf(s.w, "FAIL %s has no results\n", name)
		}
		return nil
	}
}

// add says whether the line is the result of a test or package.
func (s *summary) add(line string) (result bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e event
	if json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(s.w, line) // of the compiler or make
		return false
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(s.w, e.Output)
	case "output":
		s.output[key] += e.Output
	case "pass", "skip", "fail":
		if e.Test == "" {
			s.endPackage(e, s.output[key])
		} else {
			s.endTest(e, s.output[key])
		}
		delete(s.output, key)
		return true
	}
	return false
}

func (s *summary) endTest(e event, output string) {
	switch e.Action {
	case "pass":
		s.counts.passed++
	case "skip":
		s.counts.skipped++
		fmt.Fprintf(s.w, "SKIP %s %s\n%s", e.Package, e.Test, output)
	case "fail":
		s.counts.failed++
		s.failed[e.Package] = true
		fmt.Fprintf(s.w, "FAIL %s %s\n%s", e.Package, e.Test, output)
	}
}

var covered = regexp.MustCompile(`coverage: ([0-9.]+%) of statements`)

// endPackage counts a package that failed although none of its tests did,
// because it did not build, or crashed.
func (s *summary) endPackage(e event, output string) {
	if e.Action == "fail" && !s.failed[e.Package] {
		s.counts.failed++
		fmt.Fprintf(s.w, "FAIL %s\n%s", e.Package, output)
		return
	}
	ran := strings.HasPrefix(output, "ok ") || strings.Contains(output, "\nok ")
	if e.Action != "fail" && !ran {
		return // it has no tests
	}
	word, took, remarks := "ok  ", fmt.Sprintf("%.1fs", e.Elapsed), ""
	if e.Action == "fail" {
		word = "FAIL"
	}
	if strings.Contains(output, "\t(cached)") {
		took = "cached"
	}
	if m := covered.FindStringSubmatch(output); m != nil {
		remarks = "  " + m[1] + " covered"
	}
	fmt.Fprintf(s.w, "%s %-42s %8s%s\n", word, e.Package, took, remarks)
}
