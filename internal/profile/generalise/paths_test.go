package generalise

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/event"
	"bobwatch/internal/glob"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/match"
	"bobwatch/internal/sensitive"
)

// reading returns opens of paths for reading.
func reading(paths ...string) []profile.Open {
	var opens []profile.Open
	for _, path := range paths {
		opens = append(opens, profile.Open{Path: path, Flags: []string{"O_RDONLY"}})
	}
	return opens
}

// numbered returns n paths, each format with a number.
func numbered(n int, format string) []string {
	var paths []string
	for i := range n {
		paths = append(paths, fmt.Sprintf(format, i))
	}
	return paths
}

func TestGeneralisePaths(t *testing.T) {
	letters := func(n int, format string) []string {
		var paths []string
		for i := range n {
			paths = append(paths, fmt.Sprintf(format, strings.Repeat("x", i+1)))
		}
		return paths
	}
	tests := map[string]struct {
		paths []string
		want  []string
	}{
		"few stay literal":                {[]string{"/srv/a", "/srv/b"}, []string{"/srv/a", "/srv/b"}},
		"pid":                             {[]string{"/proc/1/stat", "/proc/4711/stat"}, []string{"/proc/⋯/stat"}},
		"thread":                          {[]string{"/proc/12/task/13/comm"}, []string{"/proc/⋯/task/⋯/comm"}},
		"descriptor":                      {[]string{"/proc/12/fd/3", "/proc/12/fdinfo/4"}, []string{"/proc/⋯/fd/⋯", "/proc/⋯/fdinfo/⋯"}},
		"environment of any process":      {[]string{"/proc/7/environ"}, []string{"/proc/⋯/environ"}},
		"sysctl":                          {[]string{"/proc/sys/net/core/somaxconn"}, []string{"/proc/sys/net/core/somaxconn"}},
		"interrupt":                       {[]string{"/proc/irq/24/smp_affinity"}, []string{"/proc/irq/24/smp_affinity"}},
		"terminal":                        {[]string{"/dev/pts/3"}, []string{"/dev/pts/⋯"}},
		"mkstemp":                         {[]string{"/tmp/phpYk3x9Q"}, []string{"/tmp/⋯"}},
		"tempfile":                        {[]string{"/tmp/tmp.Zm4q2LkKx0"}, []string{"/tmp/⋯"}},
		"python":                          {[]string{"/tmp/tmp8z_k3a1q"}, []string{"/tmp/⋯"}},
		"pid in a name":                   {[]string{"/tmp/hsperfdata_root/28"}, []string{"/tmp/hsperfdata_root/⋯"}},
		"named socket":                    {[]string{"/tmp/mysql.sock"}, []string{"/tmp/mysql.sock"}},
		"session":                         {[]string{"/var/lib/php/sessions/sess_k2j8mlh7cq0vte8r3aqcqbs8vd"}, []string{"/var/lib/php/sessions/⋯"}},
		"redis snapshot":                  {[]string{"/data/temp-28.rdb", "/data/dump.rdb"}, []string{"/data/⋯"}},
		"nfs":                             {[]string{"/data/.nfs00000001"}, []string{"/data/⋯"}},
		"unlinked":                        {[]string{"/var/lib/mysql/#12"}, []string{"/var/lib/mysql/⋯"}},
		"uuid":                            {[]string{"/data/0b9c2a7e-7f1d-4a58-9d6c-0d8c3c1a2b3c/f"}, []string{"/data/⋯/f"}},
		"config map":                      {[]string{"/etc/app/..2025_11_21_00_05_24.1234567890/app.conf"}, []string{"/etc/app/⋯/app.conf"}},
		"dated log":                       {[]string{"/var/log/app/access-2025-11-21.log"}, []string{"/var/log/app/⋯"}},
		"day of a log":                    {[]string{"/var/log/app/2025/11/21/a.log"}, []string{"/var/log/app/*/a.log"}},
		"rotated log":                     {[]string{"/var/log/app/error.log.1"}, []string{"/var/log/app/⋯"}},
		"alike but for a number":          {[]string{"/data/seg1.x", "/data/seg12.x", "/data/lock"}, []string{"/data/lock", "/data/seg⟦#⟧.x"}},
		"alike twice":                     {[]string{"/data/x/d1/f1", "/data/x/d2/f2"}, []string{"/data/x/d⟦#⟧/f⟦#⟧"}},
		"alike twice, near keys":          {[]string{"/data/d1/f1", "/data/d2/f2"}, []string{"/data/d⟦#⟧/f⟦#⟧"}},
		"one number":                      {[]string{"/data/seg1.x", "/data/tab1.x"}, []string{"/data/seg1.x", "/data/tab1.x"}},
		"alike in the image":              {[]string{"/usr/share/x1", "/usr/share/x2", "/etc/app/x1", "/etc/app/x2"}, []string{"/etc/app/x1", "/etc/app/x2", "/usr/share/x1", "/usr/share/x2"}},
		"alike devices":                   {[]string{"/dev/tty1", "/dev/tty2"}, []string{"/dev/tty1", "/dev/tty2"}},
		"alike, but with keys":            {[]string{"/home/u1/.ssh/id_rsa", "/home/u2/.ssh/id_rsa", "/home/u1/a"}, []string{"/home/u1/.ssh/id_rsa", "/home/u2/.ssh/id_rsa", "/home/u⟦#⟧/a"}},
		"hashed directory":                {[]string{"/srv/assets/3f2a9c1b/app.js"}, []string{"/srv/assets/⋯/app.js"}},
		"versioned directory":             {[]string{"/opt/app-1.14.2/lib/a.jar"}, []string{"/opt/⋯/lib/a.jar"}},
		"library of the image":            {[]string{"/usr/lib/x86_64-linux-gnu/libssl.so.3", "/lib/modules/6.1.0-18/x"}, []string{"/lib/modules/6.1.0-18/x", "/usr/lib/x86_64-linux-gnu/libssl.so.3"}},
		"threshold reached":               {letters(50, "/srv/www/%s"), letters(50, "/srv/www/%s")},
		"threshold exceeded":              {letters(51, "/srv/www/%s"), []string{"/srv/www/⋯"}},
		"threshold of temporary":          {letters(11, "/tmp/%s"), []string{"/tmp/⋯"}},
		"subtrees merged":                 {append(letters(51, "/srv/www/%s/index"), "/srv/www/x/other"), []string{"/srv/www/⋯/index", "/srv/www/⋯/other"}},
		"three in a row":                  {letters(11, "/var/tmp/x/%s/1234567/1234567"), []string{"/var/tmp/x/*"}},
		"two in a row":                    {letters(11, "/var/tmp/x/%s/1234567"), []string{"/var/tmp/x/⋯/⋯"}},
		"never below the root":            {letters(500, "/%s"), letters(500, "/%s")},
		"never over shadow":               {letters(150, "/etc/%s"), letters(150, "/etc/%s")},
		"beside shadow":                   {letters(150, "/etc/app/%s"), []string{"/etc/app/⋯"}},
		"never over keys in a home":       {letters(60, "/home/%s/.ssh/id_rsa"), letters(60, "/home/%s/.ssh/id_rsa")},
		"homes without keys":              {letters(60, "/home/%s/mail"), []string{"/home/⋯/mail"}},
		"never over a token, but numbers": {numbered(60, "/run/secrets/kubernetes.io/%d"), []string{"/run/secrets/kubernetes.io/⟦#⟧"}},
		"token of any generation":         {[]string{"/run/secrets/kubernetes.io/serviceaccount/..2025_11_21_00_05_24.12/token"}, []string{"/run/secrets/kubernetes.io/serviceaccount/⋯/token"}},
		"token one level higher":          {[]string{"/run/secrets/kubernetes.io/..2025_11_21_00_05_24.12/token"}, []string{"/run/secrets/kubernetes.io/..2025_11_21_00_05_24.12/token"}},
		"secrets two levels higher":       {[]string{"/run/secrets/..2025_11_21_00_05_24.12/token"}, []string{"/run/secrets/..2025_11_21_00_05_24.12/token"}},
		"token of many mounts":            {numbered(60, "/run/secrets/mine/%d/token"), numbered(60, "/run/secrets/mine/%d/token")},
		"files where names must stay":     {letters(60, "/data/%s/1234567"), letters(60, "/data/%s/⋯")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := generaliseOpens(reading(tt.paths...), DefaultThresholds())
			want := reading(slices.Sorted(slices.Values(tt.want))...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Generalise: -want +got\n%s", diff)
			}
		})
	}
}

func TestGeneraliseKeepsAccess(t *testing.T) {
	opens := []profile.Open{
		{Path: "/tmp/1234567", Flags: []string{"O_RDONLY"}},
		{Path: "/tmp/lock", Flags: []string{"O_RDWR"}},
		{Path: "/tmp/note", Flags: []string{"O_RDONLY"}},
	}
	want := []profile.Open{
		{Path: "/tmp/lock", Flags: []string{"O_RDWR"}},
		{Path: "/tmp/⋯", Flags: []string{"O_RDONLY"}},
	}
	got := Container(profile.Container{Opens: opens}, DefaultThresholds()).Opens
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Generalise: -want +got\n%s", diff)
	}
}

// randomPaths draws paths from few names, so that directories fill up, among
// them the names that lead to sensitive places.
func randomPaths(r *rand.Rand, n int) []string {
	names := []string{
		"etc", "tmp", "home", "root", "data", "var", "run", "proc", "lib", "opt", ".ssh", "id_rsa", "shadow",
		"secrets", "token", "environ", "12", "1234567", "joe", "credentials", ".aws", "serviceaccount",
		"kubernetes.io", "kubelet", "pki", "containerd", "sys", "fs", "cgroup", "release_agent",
		"..2025_11_21_00_05_24.12", "..2025_11_22_00_05_24.13", "pods", "volumes", "kubernetes.io~secret", "ca.crt",
	}
	var paths []string
	for range n {
		var path strings.Builder
		for range 1 + r.IntN(5) {
			path.WriteByte('/')
			if r.IntN(3) > 0 {
				path.WriteString(names[r.IntN(len(names))])
			} else {
				fmt.Fprintf(&path, "n%d", r.IntN(40))
			}
		}
		paths = append(paths, path.String())
	}
	return paths
}

// tightThresholds make patterns of nearly everything.
func tightThresholds() Thresholds {
	return Thresholds{Opens: 2, Prefixes: map[string]int{"/tmp": 1}, Values: 2, Lengths: 2, Commands: 4}
}

func randomOpens(r *rand.Rand, n int) []profile.Open {
	flags := [][]string{{"O_RDONLY"}, {"O_WRONLY"}, {"O_RDWR"}, {"O_PATH"}, {"O_CLOEXEC"}, {"O_CLOEXEC", "O_RDONLY"}, nil}
	var opens []profile.Open
	for _, path := range randomPaths(r, n) {
		opens = append(opens, profile.Open{Path: path, Flags: flags[r.IntN(len(flags))]})
	}
	return opens
}

func TestGeneraliseProperties(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		opens := randomOpens(r, 1+r.IntN(400))
		checkGeneralisedOpens(t, r, opens, tightThresholds())
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func checkGeneralisedOpens(t *testing.T, r *rand.Rand, opens []profile.Open, thresholds Thresholds) {
	t.Helper()
	original := slices.Clone(opens)
	whole := Container(profile.Container{Opens: opens}, thresholds)
	got := whole.Opens
	if diff := cmp.Diff(original, opens); diff != "" {
		t.Fatalf("Generalise changed its input: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(whole, Container(whole, thresholds)); diff != "" {
		t.Errorf("Generalise is not idempotent: -once +twice\n%s", diff)
	}
	shuffled := slices.Clone(opens)
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if diff := cmp.Diff(whole, Container(profile.Container{Opens: shuffled}, thresholds)); diff != "" {
		t.Errorf("Generalise depends on the order: -want +got\n%s", diff)
	}
	checkCovers(t, opens, &whole)
	checkSensitiveKept(t, opens, got)
	for _, o := range got {
		if first, _, _ := strings.Cut(o.Path[1:], "/"); glob.IsWildcard(first) {
			t.Errorf("Generalise made %s", o.Path)
		}
	}
}

// allows judges an open of a file that is none of the image.
func allows(m *match.Matcher, path string, access event.Access) match.Verdict {
	if m.Open([]byte(path), access) == match.Allowed {
		return match.Allowed
	}
	return m.Directory([]byte(path), access, false)
}

// checkCovers fails if an open of opens is not allowed by generalised.
func checkCovers(t *testing.T, opens []profile.Open, generalised *profile.Container) {
	t.Helper()
	m, err := match.Compile([]profile.Container{*generalised}, match.Options{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range opens {
		if got := allows(m, o.Path, profile.AccessOf(o.Flags)); got != match.Allowed {
			t.Errorf("%s %v is not allowed after Generalise (%v)", o.Path, o.Flags, got)
		}
	}
}

// checkSensitiveKept fails if generalised allows a sensitive path that is not
// among opens, but for another pid.
func checkSensitiveKept(t *testing.T, opens, generalised []profile.Open) {
	t.Helper()
	m, err := match.Compile([]profile.Container{{Opens: generalised}}, match.Options{Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, o := range opens {
		seen[ofAnyPID(o.Path)] = true
		seen[ofAnyGeneration(o.Path, configMapGeneration.MatchString)] = true
	}
	anyName := func(string) bool { return true }
	for _, path := range sensitive.Examples() {
		if seen[ofAnyPID(path)] || seen[ofAnyGeneration(path, anyName)] {
			continue
		}
		if got := m.Open([]byte(path), 0); got != match.PathUnknown {
			t.Errorf("%s is allowed after Generalise, and nobody opened it", path)
		}
	}
}

// ofAnyPID returns path without what tells processes apart.
func ofAnyPID(path string) string {
	segments := strings.Split(path, "/")
	for i := 2; i < len(segments); i++ {
		if segments[1] == "proc" && (i == 2 || segments[i-1] == "task") {
			segments[i] = glob.Dynamic
		}
	}
	return joinPath(segments)
}

// ofAnyGeneration returns a path below /run/secrets with ⋯ for the directory of
// its file, if that may be the name of a generation.
func ofAnyGeneration(path string, generation func(name string) bool) string {
	segments := strings.Split(path, "/")
	secrets := strings.HasPrefix(path, "/run/secrets/") || strings.HasPrefix(path, "/var/run/secrets/")
	if i := len(segments) - 2; secrets && generation(segments[i]) {
		segments[i] = glob.Dynamic
	}
	return joinPath(segments)
}

func TestPathSetContains(t *testing.T) {
	set := NewPathSet(DefaultThresholds())
	for _, path := range append(numbered(60, "/srv/www/f%d"), "/etc/hosts") {
		set.Observe(path, []string{"O_RDONLY"})
	}
	tests := map[string]struct {
		flag string
		want bool
	}{
		"/srv/www/new": {"O_RDONLY", true},
		"/srv/www/f1":  {"O_WRONLY", false},
		"/etc/hosts":   {"O_RDONLY", true},
		"/etc/shadow":  {"O_RDONLY", false},
		"/srv":         {"O_RDONLY", false},
		"":             {"O_RDONLY", false},
	}
	for path, tt := range tests {
		if got := set.Contains([]byte(path), tt.flag); got != tt.want {
			t.Errorf("Contains(%q, %s) = %t, want %t", path, tt.flag, got, tt.want)
		}
	}
}

func FuzzPathSetObserve(f *testing.F) {
	f.Add([]byte("/tmp/a\n/tmp/b\x00/etc/\xff\xfe/⋯/*"), byte(1))
	f.Fuzz(func(t *testing.T, data []byte, access byte) {
		set := NewPathSet(tightThresholds())
		var opens []profile.Open
		for path := range strings.SplitSeq(string(data), "\x00") {
			flags := [][]string{{"O_RDONLY"}, {"O_RDWR"}}[access&1]
			if _, _, ok := set.Observe(path, flags); ok && utf8Path(path) {
				opens = append(opens, profile.Open{Path: path, Flags: flags})
			}
		}
		generalised := Container(profile.Container{Opens: set.Opens()}, tightThresholds())
		checkCovers(t, opens, &generalised)
		checkSensitiveKept(t, opens, generalised.Opens)
	})
}

// utf8Path reports whether the path is one the matcher is given as it is.
func utf8Path(path string) bool { return path != "" && len(path) < 4096 }

// TestLoneTemporary wants a random end of a file's name to be recognised by its
// place behind another ending, whatever the letters, and a word not.
func TestLoneTemporary(t *testing.T) {
	for path, want := range map[string]string{
		"/run/apache2/apache2.pid.AqEJTn": "/run/apache2/apache2.pid.⋯",
		"/run/apache2/apache2.pid.mWKiOA": "/run/apache2/apache2.pid.⋯",
		"/run/app/state.json.backup":      "/run/app/state.json.backup",
	} {
		got, _, _ := NewPathSet(DefaultThresholds()).Observe(path, []string{"O_RDWR"})
		if got != want {
			t.Errorf("Observe(%s) = %s, want %s", path, got, want)
		}
	}
}
