package report

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	dom "golang.org/x/net/html"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
	"bobwatch/internal/testenv"
)

func html(t testing.TB, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// browse opens a page in Chromium and returns what it wrote to both outputs.
func browse(t *testing.T, page string, flags ...string) (out, log string) {
	t.Helper()
	chromium := testenv.Command(t, "chromium")
	dir := t.TempDir()
	file := filepath.Join(dir, "report.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	flags = append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--enable-logging=stderr", "--user-data-dir="+filepath.Join(dir, "profile"), "file://"+file)
	c := exec.CommandContext(ctx, chromium, flags...)
	c.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, stderr.String())
	}
	return stdout.String(), stderr.String()
}

// complaints are the lines that a page wrote to the browser's console.
var complaints = regexp.MustCompile(`(?m)^.*CONSOLE.*$`)

func TestReportInBrowser(t *testing.T) {
	page := html(t, mustNew(t, sample(t)))
	written, log := browse(t, page, "--dump-dom")
	if said := complaints.FindAllString(log, -1); len(said) > 0 {
		t.Errorf("the console says %q", said)
	}
	for what, want := range map[string]struct {
		pattern string
		n       int
	}{
		"bars of usage":           {`<rect class="used" x="0%" width="[1-9]`, 3},
		"slices of severity":      {`<circle class="(critical|medium|low)" cx="21" [^>]*stroke-dasharray="[0-9.]+ [0-9.]+"`, 3},
		"a curve":                 {`<path class="line" d="M0 160.0H`, 1},
		"marks on the curve":      {`<g class="(critical|medium|low)"><line x1="[1-9]`, 4},
		"descriptions for all":    {`<svg role="img" aria-label`, 5},
		"deviations":              {`<li class="(critical|high|medium|low)">\s*<p class="act">`, 9},
		"the program that broke":  {`<span class="step outsider"[^>]*>/usr/bin/dash</span>`, 4},
		"the patch":               {`bobwatch/allowance: &?(amp;)?"?&?(quot;)?true`, 1},
		"what was never used":     {`<td><code>mount</code></td>`, 1},
		"the same by other names": {`<code>openat for open</code>`, 1},
	} {
		if n := len(regexp.MustCompile(want.pattern).FindAllString(written, -1)); n != want.n {
			t.Errorf("%s: got %d, want %d", what, n, want.n)
		}
	}
	if regexp.MustCompile(`(?i)<script|\bsrc=|https?://`).MatchString(written) {
		t.Error("the page loads or runs something")
	}
}

// TestReportIsDrawn takes pictures: they are of the size asked for, and show
// the colours of the chart and of the verdict, in light and dark.
func TestReportIsDrawn(t *testing.T) {
	page := html(t, mustNew(t, sample(t)))
	for name, tt := range map[string]struct {
		flags []string
		blue  uint32 // the accent
		paper uint32
	}{
		"light": {nil, 0x0b6fb8, 0xf4f6f9},
		"dark":  {[]string{"--force-dark-mode"}, 0x5cb8f5, 0x0f161d},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "report.png")
			browse(t, page, append(tt.flags, "--window-size=1120,1400", "--force-device-scale-factor=1", "--screenshot="+file)...)
			seen := colours(t, file)
			if seen[tt.blue] < 1000 || seen[tt.paper] < 10_000 {
				t.Errorf("%d pixels of the chart's colour, %d of the page's", seen[tt.blue], seen[tt.paper])
			}
		})
	}
}

// colours counts the pixels of a picture by colour.
func colours(t *testing.T, file string) map[uint32]int {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[uint32]int)
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			r, g, b, _ := picture.At(x, y).RGBA()
			seen[r>>8<<16|g>>8<<8|b>>8]++
		}
	}
	return seen
}

// hostile is text that a container may choose and that must stay text.
const hostile = "</code></style></title><script>console.log('owned')</script><img src=x onerror=console.log(1)>\"' onmouseover=x \u202egnp.exe\n\x1b[31m\u0000{{.}}]]>"

// hostileTrial has hostile text wherever a container, a document or a log can
// put it.
func hostileTrial(t testing.TB) Trial {
	trial := sample(t)
	trial.Document.Metadata.Name = hostile
	trial.Document.Metadata.Version = hostile
	trial.Document.Spec.Workload = profile.Workload{Name: hostile}
	c := &trial.Document.Spec.Containers[0]
	c.Opens = append(c.Opens, profile.Open{Path: "/unused/" + hostile, Flags: []string{hostile}})
	c.Execs = append(c.Execs, profile.Exec{Path: "/unused/" + hostile, Args: []string{hostile}})
	seen := &trial.Observed.Spec.Containers[0]
	seen.Opens = append(seen.Opens, profile.Open{Path: "/" + hostile, Flags: []string{"O_RDONLY"}})
	seen.Execs = append(seen.Execs, profile.Exec{Path: "/bin/" + hostile, Args: []string{hostile}})
	trial.Observed.Spec.Containers = append(trial.Observed.Spec.Containers, profile.Container{Name: hostile, Opens: seen.Opens})
	trial.Instances = append(trial.Instances, Instance{Pod: hostile, Node: hostile, Container: hostile})
	process := alert.Process{Comm: hostile, Exe: hostile, Args: []string{hostile}}
	act := incident(rule.UnexpectedProcess, severity.High, []alert.Process{process}, profile.Container{})
	act.Allowance = nil
	act.Alert.Deviation.Exec = &alert.Exec{Path: hostile, Args: []string{hostile}}
	act.Alert.Pod.Name, act.Alert.Node = hostile, hostile
	act.Alert.Allow = &alert.Allowance{Container: profile.Container{Opens: []profile.Open{{Path: "/" + hostile}}}}
	trial.Incidents = append(trial.Incidents, act)
	return trial
}

func TestHostileTextStaysText(t *testing.T) {
	page := html(t, mustNew(t, hostileTrial(t)))
	checkPrintable(t, page)
	text, log := browse(t, page, "--dump-dom")
	if said := complaints.FindAllString(log, -1); len(said) > 0 {
		t.Errorf("the console says %q", said)
	}
	root, err := dom.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for node := range root.Descendants() {
		if node.Data == "script" || node.Data == "img" {
			t.Errorf("text became the element <%s>", node.Data)
		}
		for _, a := range node.Attr {
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("text became the attribute %s", a.Key)
			}
		}
	}
	// That the test can fail: what is not escaped is noticed.
	_, log = browse(t, strings.Replace(page, "<main>", "<main>"+hostile, 1), "--dump-dom")
	if !complaints.MatchString(log) {
		t.Error("a script in the page is not noticed")
	}
}

// checkPrintable: nothing in the page turns the direction of text, is
// invisible or steers a terminal.
func checkPrintable(t testing.TB, text string) {
	t.Helper()
	for _, r := range "\u202e\x1b\x00" {
		if strings.ContainsRune(text, r) {
			t.Errorf("%U is in the text", r)
		}
	}
}
