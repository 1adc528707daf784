package report

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/alert"
	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
	"bobwatch/internal/rule"
	"bobwatch/internal/severity"
)

func parse(t testing.TB, file string) *profile.Profile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := documents.Parse(file, text)
	if err != nil {
		t.Fatal(err)
	}
	return profiles[0]
}

var start = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

// sample is a web application that was attacked by its command injection.
func sample(t testing.TB) Trial {
	t.Helper()
	trial := Trial{
		Document: parse(t, "document.yaml"),
		Observed: parse(t, "observed.yaml"),
		Workload: alert.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"},
		Instances: []Instance{
			{Pod: "webapp-6bc44c5d45-x2x7d", Node: "worker-1", Container: "web"},
			{Pod: "webapp-6bc44c5d45-p9qlm", Node: "worker-2", Container: "web"},
		},
		Start: start,
		End:   start.Add(time.Minute),
	}
	for i := range 60 {
		trial.News = append(trial.News, start.Add(time.Duration(i*i)*10*time.Millisecond))
	}
	apache := alert.Process{PID: 100, Start: start, Comm: "apache2", Exe: "/usr/sbin/apache2", Args: []string{"/usr/sbin/apache2", "-DFOREGROUND"}}
	injected := "ping -c 4 127.0.0.1; cat /etc/shadow"
	dash := alert.Process{PID: 200, Start: start.Add(41 * time.Second), UID: 33, Comm: "sh", Exe: "/usr/bin/dash", Args: []string{"sh", "-c", injected}}
	cat := alert.Process{PID: 201, Start: start.Add(42 * time.Second), UID: 33, Comm: "cat", Exe: "/usr/bin/cat", Args: []string{"cat", "/etc/shadow"}}
	trial.Incidents = []Incident{
		incident(rule.UnexpectedArguments, severity.Medium, []alert.Process{apache, dash},
			profile.Container{Execs: []profile.Exec{{Path: "/usr/bin/dash", Args: []string{"sh", "-c", injected}}}}),
		incident(rule.UnexpectedProcess, severity.Medium, []alert.Process{apache, dash, cat},
			profile.Container{Execs: []profile.Exec{{Path: "/usr/bin/cat", Args: []string{"cat", "/etc/shadow"}}}}),
		incident(rule.UnexpectedFileAccess, severity.Critical, []alert.Process{apache, dash, cat},
			profile.Container{Opens: []profile.Open{{Path: "/etc/shadow", Flags: []string{"O_RDONLY"}}}}),
		incident(rule.UnexpectedSyscall, severity.Low, []alert.Process{apache, dash, cat},
			profile.Container{Syscalls: map[string][]string{"amd64": {"gettid"}}}),
	}
	return trial
}

// incident is what an agent would have told of the last process in chain, with
// what would accept it.
func incident(rule rule.ID, grade severity.Severity, chain []alert.Process, allowance profile.Container) Incident {
	allowance.Name = "web"
	last := len(chain) - 1
	a := alert.Alert{
		Rule: rule, Severity: grade, Count: 2, Node: "worker-1",
		First: chain[last].Start, Last: chain[last].Start.Add(time.Second),
		Subject: alert.Subject{Container: alert.Container{Name: "web"}, Pod: alert.Pod{Name: "webapp-6bc44c5d45-x2x7d"}},
		Origin:  alert.Origin{Kind: alert.OriginEntrypoint},
		Process: chain[last],
		Allow: &alert.Allowance{
			Workload: profile.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"}, Container: allowance,
		},
	}
	for i := last - 1; i >= 0; i-- {
		a.Ancestors = append(a.Ancestors, chain[i])
	}
	for _, e := range allowance.Execs {
		a.Deviation.Exec = &alert.Exec{Path: e.Path, Args: e.Args}
	}
	for _, o := range allowance.Opens {
		a.Deviation.Open = &alert.Open{Path: o.Path, Flags: o.Flags[0]}
	}
	for abi, names := range allowance.Syscalls {
		a.Deviation.Syscall = &alert.Syscall{ABI: abi, Name: names[0]}
	}
	return Incident{Alert: a, Allowance: &allowance}
}

func mustNew(t testing.TB, trial Trial) *Report {
	t.Helper()
	r, err := New(trial)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines lists the deviations by group, one a line.
func lines(r *Report) []string {
	var all []string
	for _, g := range r.Groups {
		all = append(all, g.Title)
		for _, d := range g.Deviations {
			line := "  " + d.Rule.String() + " " + d.Severity.String() + " " + d.Act
			if d.Platform != "" {
				line += " (" + d.Platform + ")"
			}
			all = append(all, line)
		}
	}
	return all
}

func TestDeviationsAreGroupedByCause(t *testing.T) {
	r := mustNew(t, sample(t))
	want := []string{
		"What /usr/bin/dash brought in",
		"  R0010 critical read of /etc/shadow",
		"  R0001 medium execution of /usr/bin/cat: cat /etc/shadow",
		"  R0040 medium execution of /usr/bin/dash: sh -c “ping -c 4 127.0.0.1; cat /etc/shadow”",
		"  R0003 low system call gettid",
		"System calls that the document does not list",
		"  R1015 critical system call ptrace",
		"  R0003 low system call getuid",
		"Differences between platforms",
		"  R0002 low read of /sys/devices/system/cpu/online (machine)",
		"  R0002 low read of /usr/lib/x86_64-linux-gnu/libssl.so.3 (library)",
		"  R0003 low system call sched_yield (timing)",
	}
	if diff := cmp.Diff(want, lines(r)); diff != "" {
		t.Errorf("deviations (-want +got):\n%s", diff)
	}
	if r.Verdict != Deviated {
		t.Errorf("verdict: got %s, want %s", r.Verdict, Deviated)
	}
}

// What was refused did not happen: the incident knows, the entry does not.
func TestRefusedOpen(t *testing.T) {
	trial := sample(t)
	shadow := &trial.Incidents[2].Alert
	shadow.Severity = severity.High
	shadow.Deviation.Open.Refused = "EACCES"
	want := "  R0010 high read of /etc/shadow, refused with EACCES"
	if got := lines(mustNew(t, trial)); !slices.Contains(got, want) {
		t.Errorf("no %q in %q", want, got)
	}
}

// What accepts an incident may accept nothing else with it.
func TestAllowanceOfMore(t *testing.T) {
	trial := sample(t)
	trial.Incidents = trial.Incidents[2:3]
	trial.Incidents[0].Alert.Deviation.Open.Path = "/srv/harmless"
	trial.Incidents[0].Allowance.Opens[0].Path = "/srv/harmless"
	trial.Incidents[0].Allowance.Execs = []profile.Exec{{Path: "/usr/bin/nc"}}
	r := mustNew(t, trial)
	text, err := profile.Marshal(r.Patch)
	if err != nil || strings.Contains(string(text), "/usr/bin/nc") {
		t.Errorf("patch: %v\n%s", err, text)
	}
	i := slices.IndexFunc(r.Deviations(), func(d Deviation) bool { return d.Act == "read of /srv/harmless" })
	if i < 0 || !r.Deviations()[i].Unallowable {
		t.Errorf("got %q", lines(r))
	}
}

// What an agent graded as worth more than a remark is no difference between
// platforms, whatever it looks like.
func TestGravePlatformLookalike(t *testing.T) {
	trial := sample(t)
	apache := trial.Incidents[0].Alert.Ancestors[:1]
	trial.Incidents = append(trial.Incidents, incident(rule.UnexpectedFileAccess, severity.High, apache,
		profile.Container{Opens: []profile.Open{{Path: "/sys/devices/system/cpu/online", Flags: []string{"O_RDONLY"}}}}))
	want := "  R0002 high read of /sys/devices/system/cpu/online"
	if got := lines(mustNew(t, trial)); !slices.Contains(got, want) {
		t.Errorf("no %q in %q", want, got)
	}
}

// Of a command that was run twice one incident is told. What the second process
// did has the same cause.
func TestCauseThatWasRepeated(t *testing.T) {
	trial := sample(t)
	getuid := trial.Incidents[3]
	getuid.Alert.Ancestors = slices.Clone(getuid.Alert.Ancestors)
	getuid.Alert.Process = getuid.Alert.Ancestors[0] // the shell itself
	getuid.Alert.Process.PID++
	getuid.Alert.Ancestors = getuid.Alert.Ancestors[1:]
	getuid.Alert.Deviation.Syscall = &alert.Syscall{ABI: "amd64", Name: "getuid"}
	getuid.Allowance = &profile.Container{Name: "web", Syscalls: map[string][]string{"amd64": {"getuid"}}}
	trial.Incidents = append(trial.Incidents, getuid)
	r := mustNew(t, trial)
	if i := slices.IndexFunc(r.Groups[0].Deviations, func(d Deviation) bool { return d.Act == "system call getuid" }); i < 0 {
		t.Errorf("not with its cause: %q", lines(r))
	}
}

func TestPatchMakesItPass(t *testing.T) {
	trial := sample(t)
	r := mustNew(t, trial)
	if r.Patch == nil || !r.Patch.IsAllowance() {
		t.Fatal("there is no allowance to make it pass")
	}
	patch := *r.Patch
	patch.Spec.Workload = trial.Document.Spec.Workload
	merged, err := profile.Merge(trial.Document, &patch)
	if err != nil {
		t.Fatal(err)
	}
	trial.Document = merged
	if r := mustNew(t, trial); len(r.Deviations()) > len(trial.Incidents) {
		t.Errorf("with the patch: got %q", lines(r))
	}
	trial.Incidents = nil // an agent with the patch would raise none
	if r := mustNew(t, trial); r.Verdict != Passed {
		t.Errorf("with the patch: got %s %q, want %s", r.Verdict, lines(r), Passed)
	}
}

func TestUsage(t *testing.T) {
	trial := sample(t)
	trial.Document.Spec.Containers[0].Syscalls["arm64"] = []string{"read", "tgkill"} // no node has it
	r := mustNew(t, trial)
	want := map[Section]Usage{
		Syscalls: {Listed: 26, Used: 24, Deviations: 4},
		Execs:    {Listed: 3, Used: 3, Deviations: 2},
		Opens:    {Listed: 7, Used: 5, Deviations: 3},
	}
	if diff := cmp.Diff(want, r.Containers[0].Usage); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	var unused []string
	for _, u := range r.Containers[0].Unused {
		unused = append(unused, u.Text)
	}
	wantUnused := []string{"mount", "setsid", "/etc/apache2/conf-enabled/⋯ O_RDONLY", "/usr/lib/x86_64-linux-gnu/libssl.so.1.1 O_RDONLY"}
	if diff := cmp.Diff(wantUnused, unused); diff != "" {
		t.Errorf("never used (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"clone3 for clone", "openat for open"}, r.Containers[0].Equivalent); diff != "" {
		t.Errorf("the same by another name (-want +got):\n%s", diff)
	}
}

// What is not known must not read as if all were well.
func TestIncompleteKnowledge(t *testing.T) {
	tests := map[string]struct {
		change func(*Trial)
		want   Verdict
		says   string
	}{
		"as it should be":  {func(*Trial) {}, Passed, "In 1m0s the workload did nothing"},
		"nothing observed": {func(t *Trial) { t.Observed.Spec.Containers = nil }, Inconclusive, "Nothing was observed"},
		"only what the document is silent about": {
			func(t *Trial) { t.Observed.Spec.Containers[0].Name = "sidecar" }, Inconclusive, "says nothing of container sidecar",
		},
		"records lost":        {func(t *Trial) { t.Observed.Spec.Provenance.Lost = 3 }, Inconclusive, "3 records were lost"},
		"deviations held":     {func(t *Trial) { t.Held = 7 }, Inconclusive, "7 deviations could not be told"},
		"a node unwatched":    {func(t *Trial) { t.Unwatched = []string{"node-3 was not watched."} }, Inconclusive, "node-3 was not watched"},
		"start not seen":      {func(t *Trial) { t.Observed.Spec.Provenance.From = "attach" }, Passed, "The start was not seen"},
		"a short time":        {func(t *Trial) { t.End = t.Start.Add(5 * time.Second) }, Passed, "for 5s only"},
		"a partial document":  {func(t *Trial) { t.Document.Spec.Provenance.Completeness = profile.Partial }, Passed, "The document is partial"},
		"a learning document": {func(t *Trial) { t.Document.Spec.Provenance.Completeness = profile.Learning }, Passed, "still being learned"},
		"another workload":    {func(t *Trial) { t.Workload.Name = "other" }, Passed, "the agent would not apply it"},
		"network":             {func(t *Trial) { t.Document.Spec.Containers[0].Capabilities = []string{"CHOWN"} }, Passed, "were not tested"},
		"little load": {
			func(t *Trial) { t.Observed.Spec.Containers[0].Syscalls["amd64"] = []string{"read"} }, Passed, "did 30% of what the document lists",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			trial := sample(t)
			trial.Incidents = nil
			trial.Observed.Spec.Containers[0] = parse(t, "document.yaml").Spec.Containers[0]
			tt.change(&trial)
			r := mustNew(t, trial)
			if r.Verdict != tt.want {
				t.Errorf("verdict: got %s (%s) %q, want %s", r.Verdict, r.Summary, lines(r), tt.want)
			}
			if said := strings.Join(append([]string{r.Summary}, r.Caveats...), "\n"); !strings.Contains(said, tt.says) {
				t.Errorf("got %q, want it to say %q", said, tt.says)
			}
			if name == "as it should be" && len(r.Caveats) > 0 {
				t.Errorf("caveats: got %q, want none", r.Caveats)
			}
		})
	}
}

// TestRedisOnOtherClusters holds what Kubescape learned of one redis chart on
// one cluster to what it learned on another. What is left after families is
// what is known to tell platforms apart, and is named so.
func TestRedisOnOtherClusters(t *testing.T) {
	read := func(cluster string) *profile.Profile {
		text, err := os.ReadFile("../profile/testdata/kubescape/ap-redis-" + cluster + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		profiles, err := documents.Parse(cluster, text)
		if err != nil {
			t.Fatal(err)
		}
		return profiles[0]
	}
	r := mustNew(t, Trial{Document: read("kind"), Observed: read("k3s"), Start: start, End: start.Add(time.Minute)})
	for _, call := range []string{"system call gettid", "system call sched_yield"} {
		i := slices.IndexFunc(r.Deviations(), func(d Deviation) bool { return d.Act == call })
		if i < 0 || r.Deviations()[i].Platform == "" {
			t.Errorf("%s is not named as a difference between platforms: %q", call, lines(r))
		}
	}
	if len(r.Containers[0].Equivalent) == 0 {
		t.Error("no system call stands for another of its family")
	}
	noted := slices.ContainsFunc(r.Containers[0].Unused, func(u Unused) bool { return u.Text == "mount" && strings.Contains(u.Note, "runtime") })
	if !noted {
		t.Errorf("the runtime's mount is not named as such: %v", r.Containers[0].Unused)
	}
}
