package profile

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"bobwatch/internal/event"
)

// matchPath is the meaning of a path pattern, written for reading and not for
// speed. The automaton is compared with it.
func matchPath(pattern, path string) bool {
	if pattern == "" || path == "" {
		return false
	}
	return matchSegments(splitClean(pattern), splitClean(path))
}

func splitClean(path string) []string {
	clean := string(appendClean(nil, []byte(path)))
	if clean == "/" {
		return []string{""}
	}
	return strings.Split(clean, "/")
}

func matchSegments(pattern, path []string) bool {
	switch {
	case len(pattern) == 0:
		return len(path) == 0
	case pattern[0] == Wildcard && onlyWildcards(pattern):
		return len(path) > 0
	case pattern[0] == Wildcard:
		return matchSegments(pattern[1:], path) || len(path) > 0 && matchSegments(pattern, path[1:])
	case len(path) == 0:
		return false
	case pattern[0] == Dynamic:
		return path[0] != "" && matchSegments(pattern[1:], path[1:])
	}
	return pattern[0] == path[0] && matchSegments(pattern[1:], path[1:])
}

func onlyWildcards(pattern []string) bool {
	for _, segment := range pattern {
		if segment != Wildcard {
			return false
		}
	}
	return true
}

func compileOpens(tb testing.TB, opts MatchOptions, opens ...Open) *Matcher {
	tb.Helper()
	opts.Arch = "amd64"
	m, err := Compile([]Container{{Opens: opens}}, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func TestMatcherPaths(t *testing.T) {
	tests := map[string]struct {
		pattern string
		match   []string
		differ  []string
	}{
		"literal":            {"/etc/passwd", []string{"/etc/passwd", "/etc//passwd", "/etc/passwd/"}, []string{"/etc", "/etc/passwd/x", "etc/passwd", ""}},
		"one segment":        {"/proc/⋯/stat", []string{"/proc/1/stat", "/proc/self/stat"}, []string{"/proc/stat", "/proc/1/2/stat", "/proc//stat"}},
		"last segment":       {"/proc/⋯", []string{"/proc/1"}, []string{"/proc", "/proc/", "/proc/1/stat"}},
		"middle star":        {"/a/*/b", []string{"/a/b", "/a/x/b", "/a/x/y/b", "/a/b/b"}, []string{"/a", "/b", "/a/b/c"}},
		"trailing star":      {"/etc/*", []string{"/etc/a", "/etc/a/b"}, []string{"/etc", "/etc/", "/etcetera"}},
		"root star":          {"/*", []string{"/a", "/a/b"}, []string{"/", "a"}},
		"bare star":          {"*", []string{"/", "/a", "a", "memfd:x"}, []string{""}},
		"adjacent stars":     {"/a/*/*", []string{"/a/b"}, []string{"/a"}},
		"adjacent in middle": {"/a/*/*/b", []string{"/a/b", "/a/c/b"}, []string{"/a"}},
		"star in a segment":  {"/a/x*", []string{"/a/x*"}, []string{"/a/xy"}},
		"two stars":          {"/a/**", []string{"/a/**"}, []string{"/a/b"}},
		"dots in a segment":  {"/a/lib⋯.so", []string{"/a/lib⋯.so"}, []string{"/a/libc.so"}},
		"backslash":          {`/a/\*`, []string{`/a/\*`}, []string{"/a/x", "/a/*"}},
		"leading star":       {"*/Chart.yaml", []string{"/Chart.yaml", "/a/Chart.yaml", "Chart.yaml"}, []string{"/Chart.yaml/x"}},
		"root":               {"/", []string{"/", "//"}, []string{"/a"}},
		"star then dynamic":  {"/a/*/⋯/b", []string{"/a/x/b", "/a/x/y/b"}, []string{"/a/b"}},
		"dynamic then star":  {"/a/⋯/*", []string{"/a/x/y", "/a/x/y/z"}, []string{"/a/x"}},
		"empty":              {"", nil, []string{"", "/", "/a"}},
		"slashes to spare":   {"//a///⋯/", []string{"/a/b"}, []string{"/a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := compileOpens(t, MatchOptions{}, Open{Path: tt.pattern})
			for want, paths := range map[Verdict][]string{Allowed: tt.match, PathUnknown: tt.differ} {
				for _, path := range paths {
					if got := m.Open([]byte(path), event.AccessRead); got != want {
						t.Errorf("Open(%q) with %q = %d, want %d", path, tt.pattern, got, want)
					}
					if got := matchPath(tt.pattern, path); got != (want == Allowed) {
						t.Errorf("matchPath(%q, %q) = %t", tt.pattern, path, got)
					}
				}
			}
		})
	}
}

func TestMatcherOpenAccess(t *testing.T) {
	m := compileOpens(t, MatchOptions{},
		Open{Path: "/r", Flags: []string{"O_RDONLY", "O_CLOEXEC"}},
		Open{Path: "/w", Flags: []string{"O_WRONLY"}},
		Open{Path: "/rw", Flags: []string{"O_RDWR"}},
		Open{Path: "/any", Flags: []string{"O_CLOEXEC"}},
		Open{Path: "/path", Flags: []string{"O_PATH"}},
		Open{Path: "/joined/*", Flags: []string{"O_RDONLY"}},
		Open{Path: "/joined/log", Flags: []string{"O_WRONLY"}},
	)
	const read, write = event.AccessRead, event.AccessWrite
	tests := map[string]struct {
		path   string
		access event.Access
		want   Verdict
	}{
		"read of a readable":         {"/r", read, Allowed},
		"write of a readable":        {"/r", write, DetailUnknown},
		"both of a readable":         {"/r", read | write, DetailUnknown},
		"O_PATH of a readable":       {"/r", 0, Allowed},
		"read of a writable":         {"/w", read, DetailUnknown},
		"both of both":               {"/rw", read | write, Allowed},
		"no access flag":             {"/any", read | write, Allowed},
		"O_PATH of O_PATH":           {"/path", 0, Allowed},
		"read of O_PATH":             {"/path", read, DetailUnknown},
		"pattern and literal joined": {"/joined/log", read | write, Allowed},
		"pattern alone":              {"/joined/other", read | write, DetailUnknown},
		"unknown":                    {"/x", 0, PathUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := m.Open([]byte(tt.path), tt.access); got != tt.want {
				t.Errorf("Open(%q, %d) = %d, want %d", tt.path, tt.access, got, tt.want)
			}
		})
	}
}

func TestMatcherExec(t *testing.T) {
	execs := []Exec{
		{Path: "/bin/any"},
		{Path: "/bin/none", ArgsRequired: true},
		{Path: "/bin/cp", Args: []string{"cp", "a", "b"}},
		{Path: "/bin/cp", Args: []string{"cp", "c", "d"}},
		{Path: "/bin/sleep", Args: []string{"sleep", "⋯⋯"}},
		{Path: "/usr/bin/curl", Args: []string{"curl", "-s", "⋯"}},
		{Path: "/bin/echo", Args: []string{"echo", "*"}},
		{Path: "/bin/cat", Args: []string{"cat", "/etc/⋯/redis.conf"}},
		{Path: "/bin/tar", Args: []string{"tar", "⋯⋯", "-f", "⋯", "⋯⋯", "end"}},
		{Path: "/bin/sh", Args: []string{"sh", "-c", "ping -c 4 ⋯"}},
		{Path: "/opt/⋯/run", Args: []string{"run"}},
		{Path: "/opt/a/run", Args: []string{"run", "fast"}},
		{Path: "/bin/dash", Args: []string{"sh", "-c", "cat /var/⋯/log"}},
	}
	m, err := Compile([]Container{{Execs: execs}}, MatchOptions{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path string
		args []string
		want Verdict
	}{
		"any arguments":                 {"/bin/any", []string{"x", "y"}, Allowed},
		"no arguments wanted":           {"/bin/none", nil, Allowed},
		"arguments where none":          {"/bin/none", []string{"x"}, DetailUnknown},
		"first entry":                   {"/bin/cp", []string{"cp", "a", "b"}, Allowed},
		"second entry":                  {"/bin/cp", []string{"cp", "c", "d"}, Allowed},
		"entries mixed":                 {"/bin/cp", []string{"cp", "a", "d"}, DetailUnknown},
		"prefix only":                   {"/bin/cp", []string{"cp", "a"}, DetailUnknown},
		"one too many":                  {"/bin/cp", []string{"cp", "a", "b", "c"}, DetailUnknown},
		"empty argument at the end":     {"/bin/cp", []string{"cp", "a", "b", ""}, DetailUnknown},
		"many take none":                {"/bin/sleep", []string{"sleep"}, Allowed},
		"many take several":             {"/bin/sleep", []string{"sleep", "1", "2"}, Allowed},
		"one argument":                  {"/usr/bin/curl", []string{"curl", "-s", "http://x"}, Allowed},
		"one empty argument":            {"/usr/bin/curl", []string{"curl", "-s", ""}, Allowed},
		"two for one":                   {"/usr/bin/curl", []string{"curl", "-s", "a", "b"}, DetailUnknown},
		"none for one":                  {"/usr/bin/curl", []string{"curl", "-s"}, DetailUnknown},
		"star is literal":               {"/bin/echo", []string{"echo", "*"}, Allowed},
		"star does not broaden":         {"/bin/echo", []string{"echo", "x"}, DetailUnknown},
		"segment inside":                {"/bin/cat", []string{"cat", "/etc/x/redis.conf"}, Allowed},
		"two segments inside":           {"/bin/cat", []string{"cat", "/etc/x/y/redis.conf"}, DetailUnknown},
		"many, then again":              {"/bin/tar", []string{"tar", "-f", "-f", "a", "-f", "b", "end", "end"}, Allowed},
		"many, wrong end":               {"/bin/tar", []string{"tar", "-f", "a", "end", "x"}, DetailUnknown},
		"word":                          {"/bin/sh", []string{"sh", "-c", "ping -c 4 example.com"}, Allowed},
		"word with a command behind":    {"/bin/sh", []string{"sh", "-c", "ping -c 4 8.8.8.8; cat /etc/passwd"}, DetailUnknown},
		"word with a separator inside":  {"/bin/sh", []string{"sh", "-c", "ping -c 4 8.8.8.8;id"}, DetailUnknown},
		"word with a substitution":      {"/bin/sh", []string{"sh", "-c", "ping -c 4 $(id)"}, DetailUnknown},
		"word with a newline":           {"/bin/sh", []string{"sh", "-c", "ping -c 4 a\nid"}, DetailUnknown},
		"word with invalid UTF-8":       {"/bin/sh", []string{"sh", "-c", "ping -c 4 \xff"}, DetailUnknown},
		"word with a control character": {"/bin/sh", []string{"sh", "-c", "ping -c 4 a\u0085b"}, DetailUnknown},
		"no word":                       {"/bin/sh", []string{"sh", "-c", "ping -c 4 "}, DetailUnknown},
		"part of a word":                {"/bin/dash", []string{"sh", "-c", "cat /var/a/log"}, Allowed},
		"part with commands behind":     {"/bin/dash", []string{"sh", "-c", "cat /var/x; id; echo /log"}, DetailUnknown},
		"part with a substitution":      {"/bin/dash", []string{"sh", "-c", "cat /var/$(id)/log"}, DetailUnknown},
		"two parts":                     {"/bin/dash", []string{"sh", "-c", "cat /var/a/b/log"}, DetailUnknown},
		"no part":                       {"/bin/dash", []string{"sh", "-c", "cat /var//log"}, DetailUnknown},
		"pattern path":                  {"/opt/a/run", []string{"run"}, Allowed},
		"literal path beside a pattern": {"/opt/a/run", []string{"run", "fast"}, Allowed},
		"pattern path, other arguments": {"/opt/b/run", []string{"run", "fast"}, DetailUnknown},
		"unknown path":                  {"/bin/nc", []string{"nc"}, PathUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			args := ""
			for _, arg := range tt.args {
				args += arg + "\x00"
			}
			if got := m.Exec([]byte(tt.path), []byte(args)); got != tt.want {
				t.Errorf("Exec(%q, %q) = %d, want %d", tt.path, args, got, tt.want)
			}
		})
	}
}

// TestPlainRune holds the matcher to what the learner generalises: a word that
// may become ⋯ must be one that ⋯ matches.
func TestPlainRune(t *testing.T) {
	for r := rune(0); r < 0x3000; r++ {
		word := string(r)
		got := holeWord.fill([]byte(word)) == len(word)
		if want := PlainWord(word) && r != ' '; got != want {
			t.Errorf("a hole takes %U: %t, want %t", r, got, want)
		}
	}
}

func TestMatcherMergedUsr(t *testing.T) {
	opens := []Open{{Path: "/bin/sh"}, {Path: "/usr/lib/⋯/libc.so"}, {Path: "/⋯/bin/env"}, {Path: "/usr/share/x"}, {Path: "/lib64/*"}}
	tests := map[string]struct {
		path          string
		apart, merged Verdict
	}{
		"as written":             {"/bin/sh", Allowed, Allowed},
		"long name":              {"/usr/bin/sh", PathUnknown, Allowed},
		"pattern, as written":    {"/usr/lib/x/libc.so", Allowed, Allowed},
		"pattern, short name":    {"/lib/x/libc.so", PathUnknown, Allowed},
		"wildcard for usr":       {"/usr/bin/env", Allowed, Allowed},
		"wildcard, short name":   {"/bin/env", PathUnknown, Allowed},
		"below lib64":            {"/usr/lib64/a/b", PathUnknown, Allowed},
		"not a merged directory": {"/share/x", PathUnknown, PathUnknown},
		"a longer name":          {"/usr/binary/sh", PathUnknown, PathUnknown},
		"usr of usr":             {"/usr/usr/bin/sh", PathUnknown, PathUnknown},
	}
	apart, merged := compileOpens(t, MatchOptions{}, opens...), compileOpens(t, MatchOptions{MergedUsr: true}, opens...)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := apart.Open([]byte(tt.path), event.AccessRead); got != tt.apart {
				t.Errorf("apart: Open(%q) = %d, want %d", tt.path, got, tt.apart)
			}
			if got := merged.Open([]byte(tt.path), event.AccessRead); got != tt.merged {
				t.Errorf("merged: Open(%q) = %d, want %d", tt.path, got, tt.merged)
			}
		})
	}
}

// randomPath makes paths of few names, so that they meet patterns often.
func randomPath(r *rand.Rand, names ...string) string {
	var b strings.Builder
	if r.IntN(20) == 0 {
		b.WriteString("a")
	}
	for range r.IntN(7) {
		b.WriteString("/" + names[r.IntN(len(names))])
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

func TestMatcherAgreesWithNaive(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var opens []Open
		for range 1 + r.IntN(12) {
			opens = append(opens, Open{Path: randomPath(r, "a", "b", "usr", "bin", Dynamic, Wildcard)})
		}
		m := compileOpens(t, MatchOptions{}, opens...)
		for range 20 {
			path := randomPath(r, "a", "b", "usr", "bin", "")
			want := PathUnknown
			for _, open := range opens {
				if matchPath(open.Path, path) {
					want = Allowed
				}
			}
			if got := m.Open([]byte(path), event.AccessRead); got != want {
				t.Fatalf("Open(%q) with %v = %d, want %d", path, opens, got, want)
			}
		}
	}
}

// matchVector is the meaning of patterns of arguments, as matchPath is of paths.
func matchVector(pattern, args []string) bool {
	switch {
	case len(pattern) == 0:
		return len(args) == 0
	case pattern[0] == DynamicArgs:
		return matchVector(pattern[1:], args) || len(args) > 0 && matchVector(pattern, args[1:])
	case len(args) == 0:
		return false
	}
	return matchArg(pattern[0], args[0]) && matchVector(pattern[1:], args[1:])
}

func matchArg(pattern, arg string) bool {
	if pattern == Dynamic {
		return true
	}
	if strings.ContainsAny(pattern, argSpace) {
		return matchWords(pattern, arg)
	}
	want, got := strings.Split(pattern, "/"), strings.Split(arg, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && want[i] != Dynamic {
			return false
		}
	}
	return true
}

// matchWords compares word by word, and parts of words between slashes.
func matchWords(pattern, arg string) bool {
	want, between := splitWords(pattern)
	got, gaps := splitWords(arg)
	if len(want) != len(got) || !slices.Equal(between, gaps) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !(want[i] == Dynamic && PlainWord(got[i])) && !matchParts(want[i], got[i], i == 0, i == len(want)-1) {
			return false
		}
	}
	return true
}

// matchParts compares a word with slashes part by part. White space ends a
// word but not a part, so a ⋯ at the edge of the word is a part only at the
// edge of the argument.
func matchParts(pattern, word string, first, last bool) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(word, "/")
	if len(want) < 2 || len(want) != len(got) {
		return false
	}
	for i := range want {
		inside := (i > 0 || first) && (i < len(want)-1 || last)
		if want[i] != got[i] && !(inside && want[i] == Dynamic && PlainWord(got[i])) {
			return false
		}
	}
	return true
}

func TestArgsAgreeWithNaive(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	matched := 0
	for range 100_000 {
		pattern := several(r, func() string {
			return one(r, "a", "b", Dynamic, DynamicArgs, DynamicArgs, "/a/⋯", "⋯/b", "/⋯⋯/", "a ⋯", "⋯ b ⋯", "x⋯ y", "*", "a /a/⋯", "⋯/b ⋯", "a /⋯/b ⋯/")
		})
		args := several(r, func() string {
			return one(r, "a", "b", "", "/a/b", "/a/", "b/b", "a b", "a a;b", "a b a", "x⋯ y", "*", "a ", "a  b", "a /a/b", "a /a/b;a", "a /a/b a/b", "b/b a", "; /b a", "a /b/b ⋯/", "a /b/b b/", "a //b b/")
		})
		if len(args) == 1 && args[0] == "" {
			continue // the same bytes as no arguments
		}
		want := matchVector(pattern, args)
		if got := compileArgs(pattern).match([]byte(strings.Join(args, "\x00"))); got != want {
			t.Fatalf("%q matches %q: %t, want %t", pattern, args, got, want)
		}
		if want {
			matched++
		}
	}
	if matched < 1000 {
		t.Errorf("only %d matches: the test says little", matched)
	}
}

// TestMatcherManyStates has more states active at once than fit the stack.
func TestMatcherManyStates(t *testing.T) {
	var opens []Open
	for i := range 1 << 8 {
		pattern := ""
		for bit := range 8 {
			pattern += "/" + []string{"a", Dynamic}[i>>bit&1]
		}
		opens = append(opens, Open{Path: pattern + fmt.Sprintf("/*/%d", i)})
	}
	m := compileOpens(t, MatchOptions{}, opens...)
	for i := range 1 << 8 {
		if path := fmt.Sprintf("/a/a/a/a/a/a/a/a/x/y/%d", i); m.Open([]byte(path), 0) != Allowed {
			t.Errorf("Open(%q) is not allowed", path)
		}
	}
}

func FuzzMatcher(f *testing.F) {
	f.Add("/etc/*\n/proc/⋯/stat", "/proc/1/stat", "sh\x00-c\x00ping ⋯", "sh\x00-c\x00ping a")
	f.Add("*\n/*/*/a", "//", "⋯⋯\x00a\x00⋯⋯", "a\x00a")
	f.Fuzz(func(t *testing.T, patterns, path, argPatterns, args string) {
		if strings.Count(path, "/") > 20 {
			return // the naive matcher is exponential
		}
		var opens []Open
		want := PathUnknown
		for pattern := range strings.SplitSeq(patterns, "\n") {
			if strings.Count(pattern, Wildcard) > 8 {
				return
			}
			opens = append(opens, Open{Path: pattern})
			if len(path) <= maxUncleanPath && matchPath(pattern, path) {
				want = Allowed
			}
		}
		m := compileOpens(t, MatchOptions{}, opens...)
		if got := m.Open([]byte(path), event.AccessRead); got != want {
			t.Errorf("Open(%q) with %q = %d, want %d", path, patterns, got, want)
		}
		compileOpens(t, MatchOptions{MergedUsr: true}, opens...).Open([]byte(path), event.AccessRead)
		pattern := compileArgs(strings.Split(argPatterns, "\x00"))
		if pattern.literal() && argPatterns != "" && pattern.match([]byte(args)) != (argPatterns == args) {
			t.Errorf("literal %q and %q: match = %t", argPatterns, args, argPatterns != args)
		}
		pattern.match([]byte(args))
	})
}

// budgetOpens is the document the speed of matching is measured with: 50,000
// opens, 1,000 of them patterns.
func budgetOpens() []Open {
	opens := make([]Open, 0, 50_000)
	for i := range 49_000 {
		opens = append(opens, Open{Path: fmt.Sprintf("/usr/lib/python3/dist-packages/module%d/part%d.py", i/20, i), Flags: []string{"O_RDONLY", "O_CLOEXEC"}})
	}
	for i := range 1_000 {
		pattern := []string{"/srv/app%d/⋯/index.html", "/var/lib/app%d/*", "/data/%d/*/log", "/proc/⋯/task/%d"}[i%4]
		opens = append(opens, Open{Path: fmt.Sprintf(pattern, i), Flags: []string{"O_RDONLY"}})
	}
	return opens
}

// budgetPaths meet literals, patterns of every shape, and nothing.
func budgetPaths() [][]byte {
	var paths [][]byte
	for i := range 1024 {
		shapes := []string{
			fmt.Sprintf("/usr/lib/python3/dist-packages/module%d/part%d.py", i*47/20, i*47),
			fmt.Sprintf("/srv/app%d/x%d/index.html", i/4*4%1000, i),
			fmt.Sprintf("/var/lib/app%d/a/b/c/d", i/4*4%1000+1),
			fmt.Sprintf("/data/%d/a/b/c/log", i/4*4%1000+2),
			fmt.Sprintf("/proc/%d/task/%d", i, i/4*4%1000+3),
			fmt.Sprintf("/usr/lib/python3/dist-packages/module%d/none.py", i),
			fmt.Sprintf("/home/somebody/.ssh/id%d", i),
		}
		paths = append(paths, []byte(shapes[i%len(shapes)]))
	}
	return paths
}

func TestMatcherAllocatesNothing(t *testing.T) {
	opens := budgetOpens()
	m, err := Compile([]Container{{
		Opens: opens,
		Execs: []Exec{{Path: "/bin/⋯", Args: []string{"sh", "⋯⋯", "/a/⋯/b x ⋯"}}, {Path: "/bin/sh", Args: []string{"sh"}}},
	}}, MatchOptions{Arch: "amd64", MergedUsr: true})
	if err != nil {
		t.Fatal(err)
	}
	paths := append(budgetPaths(), []byte("/proc//1/../x/"), []byte("/usr/bin/env"), []byte(strings.Repeat("/a", 2048)))
	sh, args := []byte("/bin/sh"), []byte("sh\x00-x\x00/a/c/b x y")
	if m.Exec(sh, args) != Allowed {
		t.Error("Exec is not allowed")
	}
	allocs := testing.AllocsPerRun(10, func() {
		for _, path := range paths {
			m.Open(path, event.AccessRead)
		}
		m.Exec(sh, args)
		m.Exec(sh, args[:2])
		m.Syscall(1)
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func BenchmarkOpen(b *testing.B) {
	opens, paths := budgetOpens(), budgetPaths()
	m := compileOpens(b, MatchOptions{}, opens...)
	for name, opts := range map[string]MatchOptions{"trie": {}, "trie merged usr": {MergedUsr: true}} {
		m := compileOpens(b, opts, opens...)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Open(paths[i%len(paths)], event.AccessRead)
			}
		})
	}
	b.Run("hostile 4 KiB", func(b *testing.B) {
		path := []byte("/data/2" + strings.Repeat("/a", 2040))
		for b.Loop() {
			m.Open(path, event.AccessRead)
		}
	})
	b.Run("linear scan", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			path := string(paths[i%len(paths)])
			for _, open := range opens {
				if open.Path == path || hasWildcard(open.Path) && matchPath(open.Path, path) {
					break
				}
			}
		}
	})
}

func BenchmarkSyscall(b *testing.B) {
	m, err := Compile([]Container{{Syscalls: map[string][]string{"amd64": {"read", "write"}}}}, MatchOptions{Arch: "amd64"})
	if err != nil {
		b.Fatal(err)
	}
	for i := uint32(0); b.Loop(); i++ {
		m.Syscall(i % 512)
	}
}

func BenchmarkCompile(b *testing.B) {
	opens := budgetOpens()
	b.ReportAllocs()
	var before, after runtime.MemStats
	var m *Matcher
	for b.Loop() {
		m = compileOpens(b, MatchOptions{}, opens...)
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	runtime.KeepAlive(m)
	m = nil
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(before.HeapAlloc-after.HeapAlloc)/(1<<20), "MiB/matcher")
}
