package alert

import (
	"os/exec"
	"strings"
	"testing"

	"bobwatch/internal/event"
	"bobwatch/internal/testenv"
)

func TestAllow(t *testing.T) {
	const prefix = "bobctl allow --workload shop/Deployment/webapp --container web "
	cutPath, relative := openOf("truncated:/a/b"), openOf("a/b")
	cutPath.Flags, relative.Flags = event.FlagPathTruncated, event.FlagRefused
	cut := func(path, args string) *event.Event {
		e := execOf(path, args)
		e.Flags = event.FlagArgsTruncated
		return e
	}
	memfd := execOf("memfd:x", "x")
	memfd.Flags = event.FlagMemfd
	written := openOf("/etc/x")
	written.Access = event.AccessRead | event.AccessWrite
	tests := map[string]struct {
		event *event.Event
		want  string
	}{
		"syscall":                 {syscallOf(event.ABINative, 101), prefix + "--syscall ptrace"},
		"compat":                  {syscallOf(event.ABICompat, 20), prefix + "--arch 386 --syscall getpid"},
		"x32":                     {syscallOf(event.ABIX32, 1<<30|1), ""},
		"no such call":            {syscallOf(event.ABIUnknown, 4000), ""},
		"exec":                    {execOf("/bin/cat", "cat\x00-n\x00a b"), prefix + "--exec /bin/cat --arg cat --arg -n --arg 'a b'"},
		"exec, empty argument":    {execOf("/bin/cat", "cat\x00\x00"), prefix + "--exec /bin/cat --arg cat --arg ''"},
		"exec, cut":               {cut("/bin/cat", "cat\x00-n\x00/da"), prefix + "--exec /bin/cat --arg cat --arg -n --arg ⋯⋯"},
		"exec, cut code":          {cut("/bin/sh", "sh\x00-c\x00ec"), prefix + "--exec /bin/sh --arg sh --arg -c --arg ec --arg ⋯⋯"},
		"exec, cut applet's code": {cut("/bin/busybox", "sh\x00-c\x00ec"), prefix + "--exec /bin/busybox --arg sh --arg -c --arg ec --arg ⋯⋯"},
		"exec, cut before code":   {cut("/bin/sh", "sh\x00-e"), ""},
		"exec, cut behind code":   {cut("/bin/sh", "sh\x00-c\x00echo\x00a"), prefix + "--exec /bin/sh --arg sh --arg -c --arg echo --arg ⋯⋯"},
		"exec, wildcard argument": {execOf("/bin/cat", "cat\x00⋯⋯"), prefix + "--exec /bin/cat --arg cat --arg '⟦e28baf⟧⟦e28baf⟧'"},
		"exec, parameter":         {execOf("/bin/cat", "cat\x00$(any)"), ""},
		"open":                    {openOf("/etc/shadow"), prefix + "--open /etc/shadow --flags O_RDONLY"},
		"open, for writing too":   {written, prefix + "--open /etc/x --flags O_RDWR"},
		"open, pid":               {openOf("/proc/4711/status"), prefix + "--open /proc/⋯/status --flags O_RDONLY"},
		"open, cut":               {cutPath, ""},
		"open, relative":          {relative, ""},
		"open, named *":           {openOf("/tmp/*/x"), ""},
		"open, named ⋯":           {openOf("/tmp/⋯"), ""},
		"open, not text":          {openOf("/tmp/\xff"), ""},
		"open, newline":           {openOf("/tmp/a\nb"), ""},
		"open, bidi override":     {openOf("/etc/\u202ex"), prefix + `--open $'/etc/\342\200\256x' --flags O_RDONLY`},
		"memfd":                   {memfd, ""},
		"moved":                   {injected(event.KindMoved), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBuilder()
			if got := b.Build(deviation(tt.event), webapp()).Allow.String(); got != tt.want {
				t.Errorf("allow:\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// words that a shell could take apart, expand or execute.
var words = []string{
	"", " ", "a b", "'", "''", `\`, `\'`, `'\''`, `"`, "$HOME", "$(id)", "`id`", "!!", "*", "~", "~root", "=ls",
	"a;b", "a&b", "a|b", "<a", ">a", "#a", "{a,b}", "[a]", "a\nb", "\n", "\t", "\x1b[31m", "\x7f", "\xff", "é\xc3",
	"\u202e", "\x011", "a\x01b'c\\", "⋯", "…", "-n", "--",
}

// What is pasted into a shell has to come out as it went in.
func TestQuoteSurvivesShells(t *testing.T) {
	for _, shell := range []string{"bash", "busybox"} {
		t.Run(shell, func(t *testing.T) {
			path := testenv.Command(t, shell)
			for _, word := range words {
				quoted := quote(word)
				if !plain(strings.ReplaceAll(quoted, `\`, "")) && !strings.Contains(word, cutMark) {
					t.Errorf("quote(%q) = %q holds what cannot be shown", word, quoted)
				}
				args := []string{"-c", "printf %s " + quoted}
				if shell == "busybox" {
					args = append([]string{"sh"}, args...)
				}
				if strings.HasPrefix(word, "-") {
					args[len(args)-1] = "printf -- %s " + quoted
				}
				got, err := exec.Command(path, args...).Output()
				if err != nil {
					t.Errorf("%s: %q: %v", shell, quoted, err)
				}
				if string(got) != word {
					t.Errorf("%s: %s: got %q, want %q", shell, quoted, got, word)
				}
			}
		})
	}
}
