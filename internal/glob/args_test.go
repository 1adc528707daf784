package glob

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bobwatch/internal/names"
)

// TestPlainRune holds the matcher to what the learner generalises: a word that
// may become ⋯ must be one that ⋯ matches.
func TestPlainRune(t *testing.T) {
	for r := range rune(0x3000) {
		word := string(r)
		got := holeWord.fill([]byte(word)) == len(word)
		if want := PlainWord(word) && r != ' '; got != want {
			t.Errorf("a hole takes %U: %t, want %t", r, got, want)
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
	want, between := SplitWords(pattern)
	got, gaps := SplitWords(arg)
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
// edge of the argument, and else stands within a word.
func matchParts(pattern, word string, first, last bool) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(word, "/")
	if len(want) < 2 || len(want) != len(got) {
		return false
	}
	for i := range want {
		inside := (i > 0 || first) && (i < len(want)-1 || last)
		within := !inside && want[i] == Dynamic && names.Parse(names.Part).Match([]byte(got[i])) && !(i == 0 && got[i][0] == '-')
		if want[i] != got[i] && !(inside && want[i] == Dynamic && PlainWord(got[i])) && !within {
			return false
		}
	}
	return true
}

func TestArgsAgreeWithNaive(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	matched := 0
	for range 100_000 {
		pattern := pickSome(r, "a", "b", Dynamic, DynamicArgs, DynamicArgs, "/a/⋯", "⋯/b", "a ⋯", "⋯ b ⋯", "*", "a /a/⋯", "⋯/b ⋯", "a /⋯/b ⋯/")
		args := pickSome(r, "a", "b", "", "/a/b", "/a/", "b/b", "a b", "a a;b", "a b a", "*", "a ", "a  b", "a /a/b", "a /a/b;a", "a /a/b a/b", "b/b a", "; /b a", "a /b/b -/", "a /b/b b/", "a //b b/")
		if len(args) == 1 && args[0] == "" {
			continue // the same bytes as no arguments
		}
		want := matchVector(pattern, args)
		if got := CompileArgs(pattern).Match([]byte(strings.Join(args, "\x00"))); got != want {
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

// pickSome returns up to three of the choices, in any order and with repetitions.
func pickSome(r *rand.Rand, choices ...string) []string {
	var picked []string
	for range r.IntN(4) {
		picked = append(picked, choices[r.IntN(len(choices))])
	}
	return picked
}

func TestHolesWithinArgs(t *testing.T) {
	tests := map[string]struct{ yes, no []string }{
		"-p⟦#⟧":            {yes: []string{"-p80"}, no: []string{"-p", "-px", "-p80x", "-p-1"}},
		"sockpair@⟦#⟧":     {yes: []string{"sockpair@3"}, no: []string{"sockpair@x", "sockpair@"}},
		"⟦#⟧:⟦#⟧:⟦#⟧":      {yes: []string{"28:29:31"}, no: []string{"28:29", "28:29:x"}},
		"⟦#⟧M":             {yes: []string{"512M"}, no: []string{"512G", "M"}},
		"/l/app.log-⋯":     {yes: []string{"/l/app.log-20261128"}, no: []string{"/l/app.log-a/b", "/l/app.log-a.so", "/l/app.log-$(x)", "/l/app.log-"}},
		"/tmp/_MEI⋯/tool":  {yes: []string{"/tmp/_MEI09hhiJ/tool"}, no: []string{"/tmp/_MEI/tool", "/tmp/_MEIx/y/tool"}},
		"⋯.tmp":            {yes: []string{"a.tmp"}, no: []string{"-a.tmp", ".tmp"}},
		"rm /x/a⋯ ⋯":       {yes: []string{"rm /x/ab c"}, no: []string{"rm /x/a;b c", "rm /x/a$b c"}},
		"rm ⋯.tmp":         {yes: []string{"rm a.tmp"}, no: []string{"rm -a.tmp", "rm a;b.tmp"}},
		"a⟦e28baf⟧":        {yes: []string{"a⋯"}, no: []string{"ab"}},
		"caf⟦e9⟧ ⋯":        {yes: []string{"caf\xe9 x"}, no: []string{"café x"}},
		"--name=⟦⋯⟧":       {yes: []string{"--name=ab_1"}, no: []string{"--name=a b", "--name=", "--name=a/b"}},
		"--id=⋯ --x=⟦#⟧":   {yes: []string{"--id=a --x=1"}, no: []string{"--id=a --x=b"}},
		"/a/⋯/b⋯":          {yes: []string{"/a/any thing/bc"}, no: []string{"/a/x/y/bc"}},
		"⟦zz⟧":             {yes: []string{"⟦zz⟧"}, no: []string{"a"}},
		"x⋯⋯y":             {yes: []string{"xay"}, no: []string{"xy"}},
		"K=⋯":              {yes: []string{"K=a1"}, no: []string{"K=a;b", "K=../x"}},
		"--exec=⟦#⟧.⋯.tmp": {yes: []string{"--exec=1.a.tmp"}, no: []string{"--exec=id.a.tmp"}},
	}
	for pattern, tt := range tests {
		t.Run(pattern, func(t *testing.T) {
			compiled := CompileArgs([]string{pattern})
			for _, arg := range tt.yes {
				if !compiled.Match([]byte(arg)) {
					t.Errorf("%s does not match %q", pattern, arg)
				}
			}
			for _, arg := range tt.no {
				if compiled.Match([]byte(arg)) {
					t.Errorf("%s matches %q", pattern, arg)
				}
				if quoted := names.QuoteArg(arg); CoversArgs([]string{pattern}, []string{quoted}) {
					t.Errorf("%s covers %s", pattern, quoted)
				}
			}
		})
	}
}
