package export

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"bobwatch/internal/profile"
	"bobwatch/internal/testenv"
)

// compile has apparmor_parser translate a profile for a kernel, without
// loading it.
func compile(t *testing.T, parser string, text []byte) {
	t.Helper()
	cmd := exec.Command(parser, "--skip-kernel-load", "--skip-cache", "--quiet")
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("apparmor_parser: %v\n%s\n%s", err, out, text)
	}
}

func TestAppArmorIsAccepted(t *testing.T) {
	parser := testenv.Command(t, "apparmor_parser")
	for _, p := range readProfiles(t) {
		for _, c := range p.Spec.Containers {
			text, err := AppArmor(p, c.Name)
			if err != nil {
				t.Fatal(err)
			}
			compile(t, parser, text)
		}
	}
}

// hostile holds every byte that a path can have, in segments of its own and
// beside letters.
func hostile() *profile.Profile {
	c := profile.Container{
		Name:         "c\n}",
		Capabilities: []string{"SYS_ADMIN", "NET_RAW", "CHOWN, file,"},
		Syscalls:     map[string][]string{"amd64": {"mount", "ptrace", "socket"}},
		Execs:        []profile.Exec{{Path: "sh\n/etc/shadow rw,"}, {Path: "/bin/sh"}, {Path: "/*/⋯/x"}},
		Opens:        []profile.Open{{Path: "*"}, {Path: "/"}, {Path: "/*/*/*"}, {Path: "/a/*/b/⋯/*"}, {Path: "/⋯"}},
	}
	for b := 1; b < 256; b++ {
		if b == '/' {
			continue
		}
		for _, format := range []string{"/h/%c", "/h/a%cb", "/h/%[1]c%[1]c/x"} {
			c.Opens = append(c.Opens, profile.Open{Path: fmt.Sprintf(format, b)})
		}
	}
	return &profile.Profile{Metadata: profile.Metadata{Name: "x\n#include <y>"}, Spec: profile.Spec{Containers: []profile.Container{c}}}
}

func TestAppArmorHostilePaths(t *testing.T) {
	parser := testenv.Command(t, "apparmor_parser")
	text, err := AppArmor(hostile(), "")
	if err != nil {
		t.Fatal(err)
	}
	compile(t, parser, text)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "/etc/shadow") || strings.HasPrefix(line, "#include") {
			t.Errorf("a path became a rule: %s", line)
		}
	}
}

func TestAppArmorRules(t *testing.T) {
	p := &profile.Profile{Metadata: profile.Metadata{Name: "web"}, Spec: profile.Spec{Containers: []profile.Container{{
		Capabilities: []string{"NET_BIND_SERVICE"},
		Syscalls:     map[string][]string{"amd64": {"read"}},
		Execs:        []profile.Exec{{Path: "/usr/sbin/nginx"}},
		Opens: []profile.Open{
			{Path: "/etc/ld.so.cache", Flags: []string{"O_RDONLY", "O_CLOEXEC"}},
			{Path: "/etc/nginx/*", Flags: []string{"O_RDONLY"}},
			{Path: "/var/log/nginx", Flags: []string{"O_APPEND", "O_WRONLY"}},
			{Path: "/data/⋯/a*b", Flags: []string{"O_RDWR"}},
			{Path: "/a/*/b"},
			{Path: "/path/only", Flags: []string{"O_PATH"}},
		},
		Network: profile.Network{Ingress: []profile.Neighbor{{Ports: []profile.Port{{Protocol: "TCP", Port: "80"}}}}},
	}}}}
	got, err := AppArmor(p, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"  capability net_bind_service,\n",
		"  network inet stream,\n",
		`  "/{,usr/}sbin/nginx{,/}" mrix,` + "\n",
		`  "/etc/ld.so.cache{,/}" mrk,` + "\n",
		`  "/etc/nginx/**" rk,` + "\n",
		`  "/var/log/nginx{,/}" wk,` + "\n",
		`  "/data/?*/a\*b{,/}" rwk,` + "\n",
		`  "/a/{,**/}b{,/}" rwk,` + "\n",
	}
	for _, line := range want {
		if !strings.Contains(string(got), line) {
			t.Errorf("no rule %q in\n%s", line, got)
		}
	}
	for _, word := range []string{"dgram", "/path/only", "raw", "mount", "ptrace"} {
		if strings.Contains(string(got), word) {
			t.Errorf("%q is allowed by\n%s", word, got)
		}
	}
}

// TestGlobsMeanTheSame asks apparmor_parser for the regular expressions it
// makes of the globs, and holds them to what the patterns mean in a document.
func TestGlobsMeanTheSame(t *testing.T) {
	parser := testenv.Command(t, "apparmor_parser")
	tests := map[string]struct{ yes, no []string }{
		"/etc/*":        {yes: []string{"/etc/a", "/etc/a/b"}, no: []string{"/etc", "/etcx/a"}},
		"/proc/⋯/maps":  {yes: []string{"/proc/1/maps"}, no: []string{"/proc/maps", "/proc/1/2/maps", "/proc//maps"}},
		"/a/*/b":        {yes: []string{"/a/b", "/a/x/b", "/a/x/y/b"}, no: []string{"/a/xb", "/ab"}},
		"/a/*/*/b":      {yes: []string{"/a/b", "/a/x/y/b"}, no: []string{"/a"}},
		"/⋯":            {yes: []string{"/a"}, no: []string{"/", "/a/b"}},
		"/x/a*b":        {yes: []string{"/x/a*b"}, no: []string{"/x/aab", "/x/ab"}},
		"/x/[a]{b,c}^@": {yes: []string{"/x/[a]{b,c}^@"}, no: []string{"/x/ab", "/x/[a]b"}},
		`/x/\a"b #c`:    {yes: []string{`/x/\a"b #c`}, no: []string{`/x/a"b #c`}},
		"/x/ä⋯":         {yes: []string{"/x/äz"}, no: []string{"/x/ä", "/x/äz/y", "/x/ä.z"}},
		"/x/ä⟦e28baf⟧":  {yes: []string{"/x/ä⋯"}, no: []string{"/x/äz"}},
		"/x/a.⟦#⟧":      {yes: []string{"/x/a.47"}, no: []string{"/x/a.", "/x/a.bak"}},
		"/x/⟦2a⟧":       {yes: []string{"/x/*"}, no: []string{"/x/a"}},
		"/bin/sh":       {yes: []string{"/bin/sh", "/usr/bin/sh"}, no: []string{"/sbin/sh", "/usr/sh"}},
		"/usr/lib/x":    {yes: []string{"/lib/x", "/usr/lib/x"}, no: []string{"/usr/x"}},
		"/opt/bin/sh":   {yes: []string{"/opt/bin/sh", "/opt/bin/sh/"}, no: []string{"/opt/usr/bin/sh"}},
	}
	for pattern, tt := range tests {
		t.Run(pattern, func(t *testing.T) {
			re := apparmorRegexps(t, parser, []string{pattern})[0]
			for _, path := range tt.yes {
				if !re.MatchString(path) {
					t.Errorf("%s does not match %q", re, path)
				}
			}
			for _, path := range tt.no {
				if re.MatchString(path) {
					t.Errorf("%s matches %q", re, path)
				}
			}
		})
	}
}

func TestEscapedBytesAreLiteral(t *testing.T) {
	parser := testenv.Command(t, "apparmor_parser")
	var patterns []string
	for b := rune(0x20); b < 0x7f; b++ {
		if b != '/' && b != '?' {
			patterns = append(patterns, fmt.Sprintf("/x/a%cc", b))
		}
	}
	for i, re := range apparmorRegexps(t, parser, patterns) {
		if !re.MatchString(patterns[i]) {
			t.Errorf("%s does not match %q", re, patterns[i])
		}
		if other := "/x/a\x7fc"; re.MatchString(other) {
			t.Errorf("%s, for %q, matches %q", re, patterns[i], other)
		}
	}
}

// apparmorRegexps returns the expressions apparmor_parser makes of patterns.
// It prints "aare: GLOB   ->   EXPRESSION" for each rule.
func apparmorRegexps(t *testing.T, parser string, patterns []string) []*regexp.Regexp {
	t.Helper()
	expressions := make([]*regexp.Regexp, len(patterns))
	for i, pattern := range patterns {
		text := fmt.Sprintf("profile x {\n  %s r,\n}\n", globs(pattern)[0])
		cmd := exec.Command(parser, "--skip-kernel-load", "--skip-cache", "--quiet", "--dump=rule-exprs")
		cmd.Stdin = strings.NewReader(text)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("apparmor_parser: %v\n%s\n%s", err, out, text)
		}
		for line := range strings.Lines(string(out)) {
			glob, expression, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "   ->   ")
			if ok && strings.HasPrefix(glob, "aare: /") {
				expressions[i] = regexp.MustCompile("^(?:" + expression + ")$")
			}
		}
		if expressions[i] == nil {
			t.Fatalf("no expression for %q in\n%s", pattern, out)
		}
	}
	return expressions
}
