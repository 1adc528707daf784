package story

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

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/severity"
	"bobwatch/internal/testenv"
)

// browse opens a page in Chromium and returns what it wrote to both outputs.
func browse(t *testing.T, page []byte, flags ...string) (out, log string) {
	t.Helper()
	chromium := testenv.Command(t, "chromium")
	dir := t.TempDir()
	file := filepath.Join(dir, "incident.html")
	if err := os.WriteFile(file, page, 0o644); err != nil {
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

// A browser shows the four answers and every act, loads and runs nothing, and
// takes a hostile name for text.
func TestPageInBrowser(t *testing.T) {
	a := incident("0123456789abcdef", severity.Critical, time.Minute)
	hostile := `</code><script>document.title="owned"</script><img src=x onerror=alert(1)>"'` + "\u202e\x1b[2J" + strings.Repeat("y", 3000)
	a.Message, a.Workload.Name, a.Story.Processes[0], a.Story.Timeline[0].Message = hostile, hostile, hostile, hostile
	a.Story.Advice.Contain = hostile
	a.Allow = &alert.Allowance{Workload: profile.Workload{Name: "web"}, Container: profile.Container{Execs: []profile.Exec{{Path: hostile}}}}
	read := legible(a)
	var page bytes.Buffer
	if err := HTML(&page, &read, noon); err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(t.TempDir(), "page.png")
	dom, log := browse(t, page.Bytes(), "--dump-dom", "--window-size=1000,900")
	if said := regexp.MustCompile(`(?m)^.*CONSOLE.*$`).FindAllString(log, -1); len(said) > 0 {
		t.Errorf("the console says %q", said)
	}
	for what, pattern := range map[string]string{
		"the title":     `<title>critical: incident of shop/Deployment/&lt;/code&gt;&lt;script&gt;`,
		"how it came":   `<dt>It came in</dt><dd>through apache2`,
		"whether it is": `<dt>Does it go on</dt><dd>yes, since`,
		"the act":       `<li class="act critical"><time[^>]*>12:00:00</time><b>critical</b><span>R0001</span><span>&lt;/code&gt;`,
		"accepting":     `bobctl alerts show 01234567 -o json`,
	} {
		if !regexp.MustCompile(pattern).MatchString(dom) {
			t.Errorf("%s: no %s", what, pattern)
		}
	}
	if found := regexp.MustCompile(`(?i)<script|<img|\x1b|\x{202e}`).FindString(dom); found != "" {
		t.Errorf("the page has %q as markup or control", found)
	}
	browse(t, page.Bytes(), "--screenshot="+picture, "--window-size=1000,900")
	file, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	drawn, err := png.Decode(file)
	if err != nil || drawn.Bounds().Dx() != 1000 {
		t.Fatalf("picture: %v", err)
	}
	colours := map[[3]uint32]bool{}
	for y := 0; y < 900; y += 2 {
		for x := 0; x < 1000; x += 2 {
			r, g, b, _ := drawn.At(x, y).RGBA()
			colours[[3]uint32{r >> 8, g >> 8, b >> 8}] = true
		}
	}
	if !colours[[3]uint32{0xa3, 0x12, 0x3a}] {
		t.Error("the picture lacks the colour of a critical incident")
	}
}
