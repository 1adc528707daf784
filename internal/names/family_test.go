package names

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const (
	small   = "abcdefghijklmnopqrstuvwxyz"
	capital = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	number  = "0123456789"
	alnum   = number + capital + small
)

func draw(r *rand.Rand, alphabet string, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(text)
}

// generators draw what common programs name files and things by.
func generators() map[string]func(r *rand.Rand) string {
	all := map[string]func(r *rand.Rand) string{
		"uuid": func(r *rand.Rand) string {
			return fmt.Sprintf("%08x-%04x-4%03x-%x%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), 8+r.IntN(4), r.IntN(1<<12), r.Uint64()>>16)
		},
		"uuid of the time": func(r *rand.Rand) string {
			ms := 1764334000000 + r.IntN(600_000)
			return fmt.Sprintf("%08x-%04x-7%03x-%x%03x-%012x", ms>>16, ms&0xffff, r.IntN(1<<12), 8+r.IntN(4), r.IntN(1<<12), r.Uint64()>>16)
		},
		"ulid": func(r *rand.Rand) string {
			const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
			return "01KB5D" + draw(r, crockford[:16], 1) + draw(r, crockford, 19)
		},
		"nanoid":          func(r *rand.Rand) string { return draw(r, alnum+"_-", 21) },
		"python tempfile": func(r *rand.Rand) string { return draw(r, small+number+"_", 8) },
		"pid":             func(r *rand.Rand) string { return fmt.Sprint(1 + r.IntN(1<<22)) },
		"counter":         func(r *rand.Rand) string { return fmt.Sprint(r.IntN(1000)) },
		"time":            func(r *rand.Rand) string { return fmt.Sprint(1764334000 + r.IntN(1_000_000)) },
		"time in ns":      func(r *rand.Rand) string { return fmt.Sprint(1764334000_000000000 + r.Int64N(1e15)) },
		"address":         func(r *rand.Rand) string { return fmt.Sprint(140_000_000_000_000 + r.Int64N(1e12)) },
	}
	for n := 6; n <= 12; n++ {
		all[fmt.Sprint("mkstemp of ", n)] = func(r *rand.Rand) string { return draw(r, alnum, n) }
	}
	for _, n := range []int{6, 8, 12, 16, 32, 40, 64} {
		all[fmt.Sprint("hex of ", n)] = func(r *rand.Rand) string { return draw(r, "0123456789abcdef", n) }
	}
	for _, n := range []int{8, 16, 26, 32} {
		all[fmt.Sprint("base32 of ", n)] = func(r *rand.Rand) string { return draw(r, capital+"234567", n) }
	}
	return all
}

// places are the names around what is drawn.
var places = map[string]struct {
	format string
	origin Origin
}{
	"alone":             {"%s", Made},
	"beside its base":   {"redis.conf.%s", Beside},
	"before an ending":  {"upload-%s.tmp", Made},
	"between":           {"a-stderr---supervisor-%s.log", Made},
	"behind a dot":      {".app.json.%s", Beside},
	"behind an equals":  {"--run-id=%s", Made},
	"behind a sentence": {"lock_%s_of.it", Made},
}

const pairs = 10_000

// placeNames are the keys of places in one order.
func placeNames() []string { return slices.Sorted(maps.Keys(places)) }

// TestGeneratorsAreRecognised draws two names of one generator, and then a
// third, which the pattern of the first two has to match.
func TestGeneratorsAreRecognised(t *testing.T) {
	for kind, generate := range generators() {
		t.Run(kind, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(len(kind))))
			for i := range pairs {
				place := placeNames()[i%len(places)]
				at := places[place]
				a, b, c := generate(r), generate(r), generate(r)
				if a == b {
					continue
				}
				p, ok := Family(fmt.Sprintf(at.format, a), fmt.Sprintf(at.format, b), at.origin)
				if !ok || !p.Match([]byte(fmt.Sprintf(at.format, c))) {
					t.Errorf("%s: Family(%s, %s) = %s, %t, which has to match %s", place, a, b, p, ok, c)
				}
			}
		})
	}
}

// TestWordsAreNot takes two ordinary names of equal length in the same places.
func TestWordsAreNot(t *testing.T) {
	tests := map[string]struct {
		file string
		made bool
	}{
		"words that were found":    {file: "words.txt"},
		"words that were made":     {file: "words.txt", made: true},
		"packages":                 {file: "packages.txt"}, // which nobody makes who is guarded
		"versions that were found": {file: "versions.txt"},
		"versions that were made":  {file: "versions.txt", made: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			names := ordinary(t, tt.file)
			byLength := make(map[int][]string)
			for _, name := range names {
				byLength[len(name)] = append(byLength[len(name)], name)
			}
			r := rand.New(rand.NewPCG(1, 2))
			for i := range pairs {
				at := places[placeNames()[i%len(places)]]
				if !tt.made {
					at.origin = Found
				}
				a := names[r.IntN(len(names))]
				b := byLength[len(a)][r.IntN(len(byLength[len(a)]))]
				if tt.file == "packages.txt" && maskDigits(a) == maskDigits(b) {
					continue // a series, as llvm-13 and llvm-19 are
				}
				if p, ok := Family(fmt.Sprintf(at.format, a), fmt.Sprintf(at.format, b), at.origin); ok {
					t.Errorf("Family(%s, %s) = %s", a, b, p)
				}
			}
		})
	}
}

// ordinary returns the names in a file of testdata, without versions that have
// the hash of a commit in them, which is random.
func ordinary(t *testing.T, file string) []string {
	return slices.DeleteFunc(lines(t, file), func(name string) bool { return strings.Contains(name, "git") })
}

func TestFamily(t *testing.T) {
	tests := map[string]struct {
		a, b   string
		origin Origin
		want   string // "" for none
	}{
		"sed -i":                  {a: "sedm5UivE", b: "sedX2bqQz", origin: Made, want: "sed⋯"},
		"supervisor":              {a: "a-stderr---supervisor-ulh5yn23.log", b: "a-stderr---supervisor-9k2jx0ab.log", origin: Made, want: "a-stderr---supervisor-⋯.log"},
		"semaphores":              {a: "sem.AbCdEf", b: "sem.x9kQ2z", origin: Made, want: "sem.⋯"},
		"pids":                    {a: "passwd.28", b: "passwd.4711", origin: Beside, want: "passwd.⟦#⟧"},
		"joined numbers":          {a: "28:29:31", b: "1:2:3", want: "⟦#⟧:⟦#⟧:⟦#⟧"},
		"a size":                  {a: "512M", b: "64M", want: "⟦#⟧M"},
		"a port":                  {a: "-p8080", b: "-p80", want: "-p⟦#⟧"},
		"a position":              {a: "sockpair@3", b: "sockpair@4", want: "sockpair@⟦#⟧"},
		"days":                    {a: "app.log-20261128", b: "app.log-20261129", want: "app.log-⋯"},
		"alone":                   {a: "Qw8FO8", b: "x9kQ2z", origin: Made, want: "⟦⋯⟧"},
		"versions":                {a: "app-1.14.2.jar", b: "app-1.14.3.jar"},
		"words":                   {a: "report-spring.txt", b: "report-summer.txt", origin: Made},
		"equal":                   {a: "a", b: "a"},
		"of unlike length":        {a: "sedm5UivE", b: "sedX2bqQz1", origin: Made},
		"other separators":        {a: "a.Qw8FO8", b: "a-x9kQ2z", origin: Made},
		"an ending is none":       {a: "id_rsa.pem", b: "id_rsa.key", origin: Made},
		"keys are words":          {a: "id_rsa", b: "id_dsa", origin: Made},
		"libraries of one length": {a: "libssl.so", b: "libcrt.so", origin: Made},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, ok := Family(tt.a, tt.b, tt.origin)
			if ok != (tt.want != "") || ok && p.String() != tt.want {
				t.Errorf("Family(%q, %q) = %s, %t, want %s", tt.a, tt.b, p, ok, tt.want)
			}
			if ok && !(p.Match([]byte(tt.a)) && p.Match([]byte(tt.b))) {
				t.Errorf("%s does not match both", p)
			}
		})
	}
}

func TestTemporary(t *testing.T) {
	tests := map[string]struct{ name, base, want string }{
		"redis":             {"redis.conf.Qw8FO8", "redis.conf", "redis.conf.⋯"},
		"passwd":            {"passwd.4711", "passwd", "passwd.⟦#⟧"},
		"python":            {"one.cpython-311.pyc.140234511", "one.cpython-311.pyc", "one.cpython-311.pyc.⟦#⟧"},
		"rsync":             {".name.x9kQ2z", "name", ".name.⋯"},
		"a copy":            {"shadow.backup", "shadow", ""},
		"a word":            {"redis.conf.sample", "redis.conf", ""},
		"another file":      {"redis.conf.Qw8FO8", "redis", ""},
		"nothing behind":    {"redis.conf", "redis.conf", ""},
		"with an ending":    {"redis.conf.Qw8FO8.so", "redis.conf", "redis.conf.⋯.so"},
		"no base":           {".Qw8FO8", "", ""},
		"a payload":         {"x.$(id)", "x", ""},
		"a longer name":     {"passwdx", "passwd", ""},
		"the base is apart": {"shadow-", "shadow", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, ok := Temporary(tt.name, tt.base)
			if ok != (tt.want != "") || ok && p.String() != tt.want {
				t.Errorf("Temporary(%q, %q) = %s, %t, want %s", tt.name, tt.base, p, ok, tt.want)
			}
		})
	}
}
