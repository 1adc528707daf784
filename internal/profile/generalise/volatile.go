package generalise

import (
	"iter"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"bobwatch/internal/glob"
	"bobwatch/internal/names"
)

// volatileSegment reports whether segment i of a path looks like one that differs from run
// to run: a pid, a random name, a date. A segment that only the image writes never does.
// Segments are those of splitPath.
func volatileSegment(segments []string, i int) bool {
	if i < 2 || glob.IsWildcard(segments[i]) {
		return false
	}
	directory, name := segments[1:i], segments[i]
	if configMapGeneration.MatchString(name) {
		return true
	}
	switch {
	case directory[0] == "proc":
		return volatileInProc(directory, name)
	case imageOwned[directory[0]]:
		return false
	case len(directory) > 3 && slices.Equal(directory[:3], []string{"sys", "devices", "system"}):
		return numberedDevice.MatchString(name)
	case directory[0] == "dev" && len(directory) > 1 && directory[1] == "pts":
		return isNumber(name)
	}
	last := i == len(segments)-1
	return volatileName(name) ||
		isScratch(directory) && volatileScratch(name) ||
		!last && volatileDirectory(name) ||
		insideDate(directory, name) || insideCache(segments, i) ||
		isNumber(name) && slices.ContainsFunc(directory, func(s string) bool { return strings.HasSuffix(s, "_temp") })
}

// insideCache reports whether segment i is one of the levels above a file named
// by its hash, as in c/29/b7f54b2df7773722d382f4809d65029c.
func insideCache(segments []string, i int) bool {
	last := len(segments) - 1
	if i >= last || !cacheFile.MatchString(segments[last]) {
		return false
	}
	return !slices.ContainsFunc(segments[i:last], func(s string) bool { return !cacheLevel.MatchString(s) })
}

// imageOwned are top-level directories in which the builder of the image gave the names,
// so that a number in a name is a version.
var imageOwned = map[string]bool{
	"bin": true, "boot": true, "etc": true, "lib": true, "lib32": true, "lib64": true,
	"libx32": true, "sbin": true, "usr": true,
}

// volatileInProc knows the pids, thread ids and descriptors in /proc.
func volatileInProc(directory []string, name string) bool {
	switch parent := directory[len(directory)-1]; parent {
	case "proc", "task", "fd", "fdinfo":
		return isNumber(name)
	case "map_files":
		return true
	}
	return false
}

// isScratch reports whether the directory with these names is one for files that live no
// longer than the programs that made them.
func isScratch(directory []string) bool {
	switch directory[0] {
	case "tmp", "run":
		return true
	case "var":
		return len(directory) > 1 && (directory[1] == "tmp" || directory[1] == "run")
	case "dev":
		return len(directory) > 1 && directory[1] == "shm"
	}
	return false
}

var (
	// configMapGeneration is the directory behind ..data of a mounted
	// ConfigMap, Secret or token.
	configMapGeneration = regexp.MustCompile(`^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d+$`)

	// alwaysVolatile: a file that was deleted while open on NFS, an O_TMPFILE,
	// numbered files of MySQL, PostgreSQL, Redis and RabbitMQ, rotated logs,
	// temp-<pid>.rdb and similar names, session files, UUIDs, dates, long numbers.
	alwaysVolatile = regexp.MustCompile(strings.Join([]string{
		`^\.nfs[0-9a-f]+$`,
		`^#\d+$`, `^#sql`, `^#ib_redo\d+`,
		`^(pg_internal\.init|xlogtemp)\.\d+$`,
		`^temp-rewriteaof(-bg)?-\d+`, `\.aof\.\d+\.`,
		`^\d+\.rdq$`,
		`\.log\.\d+(\.gz)?$`,
		`(^|[-_.])(te?mp|pid|sess|session)[-_.]?\d+([-_.]|$)`,
		`^sess(ion)?[-_][0-9A-Za-z,-]{8,}`,
		`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`,
		`(^|\D)(19|20)\d\d[-_.](0[1-9]|1[0-2])[-_.](0[1-9]|[12]\d|3[01])(\D|$)`,
		`\d{5}`,
	}, "|"))

	// scratchVolatile: a number set apart, such as a pid in a name, and the
	// names that Python, mktemp and PHP give.
	scratchVolatile = regexp.MustCompile(`^tmp[a-z0-9_]{8}$|^tmp\.[0-9A-Za-z]{6,10}$|^(php|\.ZendSem\.)[0-9A-Za-z]{6}$|(^|[-_.#])\d+$|^\d+[-_.]|[-_.]\d{2,}[-_.]`)

	// version of three numbers, as in app-1.14.2.
	version = regexp.MustCompile(`\d+\.\d+\.\d+`)

	// numberedDevice is a processor or a memory node.
	numberedDevice = regexp.MustCompile(`^(cpu|node)\d+$`)

	// cacheLevel is the directory a cache keeps a file in by the digits of its
	// name's hash, cacheFile that file.
	cacheLevel = regexp.MustCompile(`^[0-9a-f]{1,2}$`)
	cacheFile  = regexp.MustCompile(`^[0-9a-f]{32,}$`)

	year = regexp.MustCompile(`^20\d\d$`)
)

func volatileName(name string) bool {
	if alwaysVolatile.MatchString(name) {
		return true
	}
	for run := range alnumRuns(name) {
		if hexLike(run, 12) || len(run) >= 16 && random(run) {
			return true
		}
	}
	// rsync's .name.XXXXXX
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && name[0] == '.' {
		return len(name)-dot-1 == 6 && random(name[dot+1:])
	}
	return false
}

func volatileScratch(name string) bool {
	if scratchVolatile.MatchString(name) {
		return true
	}
	// A file's name with something random behind it, as apache2.pid.kwmnsq has.
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && strings.LastIndexByte(name[:dot], '.') > 0 {
		if p, ok := names.Temporary(name, name[:dot]); ok && !strings.Contains(p.String(), names.Number) {
			return true
		}
	}
	for run := range alnumRuns(name) {
		// mkstemp's six characters, with or without what precedes them.
		if len(run) >= 6 && (random(run) || random(run[len(run)-6:])) {
			return true
		}
	}
	return false
}

func volatileDirectory(name string) bool {
	if version.MatchString(name) {
		return true
	}
	for run := range alnumRuns(name) {
		if hexLike(run, 8) {
			return true
		}
	}
	return false
}

// insideDate reports whether name is the year, month or day of directories
// like 2025/11/21.
func insideDate(directory []string, name string) bool {
	if year.MatchString(name) {
		return true
	}
	if len(name) > 2 || !isNumber(name) {
		return false
	}
	n := len(directory)
	return year.MatchString(directory[n-1]) || n > 1 && year.MatchString(directory[n-2]) && isNumber(directory[n-1])
}

// alnumRuns yields the longest parts of name that consist of ASCII letters and
// digits.
func alnumRuns(name string) iter.Seq[string] {
	return strings.FieldsFuncSeq(name, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func isNumber(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// hexLike reports whether s is at least length hexadecimal digits of one case,
// with decimal ones and letters well mixed.
func hexLike(s string, length int) bool {
	if len(s) < length {
		return false
	}
	var digits, lower, upper int
	for _, r := range s {
		switch {
		case '0' <= r && r <= '9':
			digits++
		case 'a' <= r && r <= 'f':
			lower++
		case 'A' <= r && r <= 'F':
			upper++
		default:
			return false
		}
	}
	return digits >= 2 && (lower == 0) != (upper == 0)
}

// random reports whether s looks drawn from [A-Za-z0-9] rather than named: its
// kinds of characters change more often than words and numbers make them.
func random(s string) bool {
	changes := 0
	for i := 1; i < len(s); i++ {
		// A capital before small letters begins a word.
		before, after := kindOf(s[i-1]), kindOf(s[i])
		if before != after && !(before == 'A' && after == 'a' && (i == 1 || kindOf(s[i-2]) == 'a')) {
			changes++
		}
	}
	return changes >= 2 && changes*4 >= len(s)
}

func kindOf(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return '0'
	case 'A' <= c && c <= 'Z':
		return 'A'
	default:
		return 'a'
	}
}
