package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bobwatch/internal/testenv"
	"bobwatch/test/workloads"
)

// secrets is a directory of files that no benign act opens. Each attack gets
// one of its own, since repeated deviations are held back.
const secrets = "/etc/secrets/"

// victimScript runs, as root and without a new process, whatever line it is
// sent, and answers with the exit status. It is as broken into as can be. What
// attack is to do is not among its arguments, so these give nothing away.
const victimScript = `#!/bin/sh
trap 'exit 0' TERM
attack() { ATTACK="$*" /usr/bin/attack; }
mkdir -p /run/secrets/kubernetes.io/serviceaccount
echo a token of sixteen >/run/secrets/kubernetes.io/serviceaccount/token
mkfifo /run/in /run/out
exec 3<>/run/in 4<>/run/out
while read -r line <&3; do
	eval "$line" >/run/log 2>&1 </dev/null
	echo $? >&4
done
`

// newVictim returns the workload that the attacks are made on. Its image holds
// the attack program, so that a dropped file is not what gives each away.
func newVictim(ctx context.Context) (workloads.Workload, error) {
	base, err := testenv.Debian(ctx)
	if err != nil {
		return workloads.Workload{}, err
	}
	tool, err := workloads.Build(ctx, "./test/attacks")
	if err != nil {
		return workloads.Workload{}, err
	}
	files := []testenv.File{
		{Path: "/victim.sh", Mode: 0o755, Data: []byte(victimScript)},
		{Path: "/usr/bin/attack", Mode: 0o755, Data: tool},
	}
	for _, a := range slices.Concat(attacks, evasions) {
		files = append(files, testenv.File{Path: secrets + a.name, Mode: 0o600, Data: []byte("a secret of sixteen\n")})
	}
	return workloads.Workload{
		Name:       "victim",
		Entrypoint: "/victim.sh",
		Image: testenv.Image{
			Ref: "localhost/victim:1", Base: base, Files: files, Entrypoint: []string{"/victim.sh"},
		},
		Ready: func(_ context.Context, k *testenv.Container) error {
			_, err := os.Stat(k.Root("/run/out"))
			return err
		},
		Load: func(ctx context.Context, k *testenv.Container, round int) error {
			for i := range 10 {
				line := fmt.Sprintf("echo %d.%d >/tmp/greeting; cat /tmp/greeting; ls /tmp; sh -c 'id -u'; attack hello", round, i)
				if _, err := tell(ctx, k, line); err != nil {
					return err
				}
			}
			return nil
		},
	}, nil
}

// victimSpec gives the victim the capabilities that the attacks need to work.
func victimSpec(id string) testenv.ContainerSpec {
	spec := testenv.ContainerSpec{ID: id}
	for _, name := range []string{"SYS_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH", "NET_ADMIN"} {
		spec.Flags = append(spec.Flags, "--cap-add", "CAP_"+name)
	}
	return spec
}

// tell sends the victim a line, waits for its end and returns its output. An
// exit status other than 0 and that of an act refused by the kernel is an
// error.
func tell(ctx context.Context, k *testenv.Container, line string) (string, error) {
	in, err := os.OpenFile(k.Root("/run/in"), os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.OpenFile(k.Root("/run/out"), os.O_RDWR, 0) // a FIFO without a writer would block
	if err != nil {
		return "", err
	}
	defer out.Close()
	stop := context.AfterFunc(ctx, func() { _ = out.SetReadDeadline(time.Now()) })
	defer stop()
	if _, err := in.WriteString(strings.ReplaceAll(line, "\n", " ") + "\n"); err != nil {
		return "", err
	}
	status, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s: %w", line, err)
	}
	log, err := os.ReadFile(k.Root("/run/log"))
	if err != nil {
		return "", err
	}
	if status != "0\n" && status != "3\n" {
		return string(log), fmt.Errorf("%s: exit status %s: %s", line, strings.TrimSpace(status), log)
	}
	return string(log), nil
}

// mustTell is tell, for a line that has to work.
func mustTell(t *testing.T, k *testenv.Container, line string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := tell(ctx, k, line)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
