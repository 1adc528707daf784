package names

import (
	"errors"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	long := strings.Repeat("a", MaxPart)
	tests := map[string]struct{ yes, no []string }{
		"passwd.⋯":     {yes: []string{"passwd.1", "passwd.a-b_C"}, no: []string{"passwd.", "passwd", "passwd.a.so", "passwd./x", "passwd.$(id)", "passwd. x", "xpasswd.1", "passwd.ä"}},
		"passwd.⟦#⟧":   {yes: []string{"passwd.1", "passwd.4711"}, no: []string{"passwd.bak", "passwd.", "passwd.1a", "passwd.123456789012345678901"}},
		"⋯.tmp":        {yes: []string{"a.tmp"}, no: []string{".tmp", "a.tmpx", "a.b.tmp"}},
		"a⋯b⋯c":        {yes: []string{"axbxc", "abbbc"}, no: []string{"abc", "abbc", "axc"}},
		"⟦⋯⟧":          {yes: []string{"a", long}, no: []string{"", "a.b", long + "a"}},
		"⟦2a⟧":         {yes: []string{"*"}, no: []string{"a", "⟦2a⟧"}},
		"a⟦e28baf⟧b":   {yes: []string{"a⋯b"}, no: []string{"axb"}},
		"caf⟦e9⟧.⟦#⟧":  {yes: []string{"caf\xe9.7"}, no: []string{"café.7"}},
		"a*b":          {yes: []string{"a*b"}, no: []string{"axb", "ab"}},
		"⟦zz⟧":         {yes: []string{"⟦zz⟧"}, no: []string{"zz"}},
		"a⋯⋯b":         {yes: []string{"axb"}, no: []string{"ab"}},
		"x⟦":           {yes: []string{"x⟦"}},
		"":             {yes: []string{""}, no: []string{"a"}},
		"⋯-⟦#⟧":        {yes: []string{"a-1", "a-b-1"[2:]}, no: []string{"a-b"}},
		"/a/⋯/b⋯c":     {yes: []string{"/a/x/byc"}, no: []string{"/a//byc", "/a/x/y/byc"}},
		"⟦⋯⟧⟦2f⟧":      {no: []string{"a/"}},
		"sed⋯":         {yes: []string{"sedm5UivE"}, no: []string{"sed.conf", "sedm5UivE.conf"}},
		"redis.conf.⋯": {yes: []string{"redis.conf.Qw8FO8"}, no: []string{"redis.conf." + long + "a"}},
	}
	for text, tt := range tests {
		t.Run(text, func(t *testing.T) {
			p := Parse(text)
			for _, name := range tt.yes {
				if !p.Match([]byte(name)) {
					t.Errorf("%s does not match %q", text, name)
				}
			}
			for _, name := range tt.no {
				if p.Match([]byte(name)) {
					t.Errorf("%s matches %q", text, name)
				}
			}
		})
	}
}

func TestQuote(t *testing.T) {
	tests := map[string]string{
		"plain": "plain", "*": "⟦2a⟧", "a*b": "a*b", "⋯": "⟦e28baf⟧", "a⋯b": "a⟦e28baf⟧b", "⟦#⟧": "⟦e29fa6⟧#⟦e29fa7⟧",
		"caf\xe9": "caf⟦e9⟧", "a\nb": "a⟦0a⟧b", "": "", "\xff\xfe": "⟦ff⟧⟦fe⟧", "ä€": "ä€", "\u0085": "⟦c285⟧", `\x2d`: `\x2d`,
	}
	for name, want := range tests {
		if got := Quote(name); got != want {
			t.Errorf("Quote(%q) = %s, want %s", name, got, want)
		}
	}
	if got := QuotePath("/a/*/⋯\n/b"); got != "/a/⟦2a⟧/⟦e28baf⟧⟦0a⟧/b" {
		t.Errorf("QuotePath = %s", got)
	}
	if got := QuoteArg("a\n⋯*"); got != "a\n⟦e28baf⟧*" {
		t.Errorf("QuoteArg = %s", got)
	}
}

func TestCheck(t *testing.T) {
	for _, text := range []string{"", "/a/⋯", "⟦#⟧", "⟦⋯⟧", "⟦2a⟧", "a⟦ff⟧⟦#⟧", "⟧"} {
		if err := Check(text); err != nil {
			t.Errorf("Check(%q) = %v", text, err)
		}
	}
	for _, text := range []string{"⟦", "⟦⟧", "⟦2f⟧", "⟦00⟧", "⟦2⟧", "⟦zz⟧", "⟦##⟧", "a⟦#⟧⟦"} {
		if err := Check(text); !errors.Is(err, ErrEscape) {
			t.Errorf("Check(%q) = %v, want ErrEscape", text, err)
		}
	}
}

func TestCovers(t *testing.T) {
	tests := []struct {
		p, q string
		want bool
	}{
		{"a.⋯", "a.b", true},
		{"a.⋯", "a.⋯", true},
		{"a.⋯", "a.⟦#⟧", true},
		{"a.⟦#⟧", "a.⋯", false},
		{"a.⋯", "a.b.c", false},
		{"⟦⋯⟧", "a", true},
		{"a", "a", true},
		{"a", "a⋯", false},
		{"⟦2a⟧", "⟦2a⟧", true},
	}
	for _, tt := range tests {
		if got := Parse(tt.p).Covers(Parse(tt.q)); got != tt.want {
			t.Errorf("%s covers %s: %t, want %t", tt.p, tt.q, got, tt.want)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	p, name := Parse("a⋯.⟦#⟧.b⋯"), []byte("axyz.4711.bcd")
	if got := testing.AllocsPerRun(100, func() { p.Match(name) }); got != 0 {
		t.Errorf("Match allocates %v times", got)
	}
}

// FuzzQuote: every name can be written, and stands for itself alone; and every
// text has one spelling.
func FuzzQuote(f *testing.F) {
	f.Add("a*⋯⟦2a⟧\xff\n", "a⋯⟦#⟧")
	f.Fuzz(func(t *testing.T, name, text string) {
		possible := strings.NewReplacer("/", "", "\x00", "") // in a name
		name, text = possible.Replace(name), possible.Replace(text)
		for quoted, p := range map[string]Pattern{Quote(name): Parse(Quote(name)), QuoteArg(name): Parse(QuoteArg(name))} {
			if got, ok := p.Literal(); !ok || got != name {
				t.Errorf("%q became %q, which is %q, %t", name, quoted, got, ok)
			}
			if err := Check(quoted); err != nil {
				t.Errorf("%q: %v", quoted, err)
			}
		}
		p := Parse(text)
		if again := Parse(p.String()); again.String() != p.String() {
			t.Errorf("%q: %q became %q", text, p, again)
		}
		if Parse(text).Match([]byte(name)) != Parse(p.String()).Match([]byte(name)) {
			t.Errorf("%q and %q mean different names", text, p)
		}
	})
}

// FuzzFamily: a pattern matches both names that it was made of.
func FuzzFamily(f *testing.F) {
	f.Add("sedm5UivE", "sedX2bqQz")
	f.Add("1.2.3", "1.2.4")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, origin := range []Origin{Found, Made, Beside} {
			if p, ok := Family(a, b, origin); ok && !(p.Match([]byte(a)) && p.Match([]byte(b))) {
				t.Errorf("Family(%q, %q) = %s, which does not match both", a, b, p)
			}
		}
		if p, ok := Temporary(a, b); ok && !p.Match([]byte(a)) {
			t.Errorf("Temporary(%q, %q) = %s, which does not match it", a, b, p)
		}
	})
}
