package record

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// bundles numbers the containers of this process.
var bundles atomic.Int64

// confine runs a program at its work in a container of runc, under a seccomp
// profile if that is not nil. The container sees the machine's programs, its
// network and, at the same path, the directory the program works in.
func confine(t *testing.T, p *program, profile []byte) error {
	t.Helper()
	at := newPlace(t, p)
	bundle, state := t.TempDir(), t.TempDir()
	id := "bobwatch-record-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(bundles.Add(1), 10)
	if err := writeBundle(t.Context(), bundle, id, p.args(at.dir, at.port), at.dir, profile); err != nil {
		t.Fatal(err)
	}
	runc := func(ctx context.Context, args ...string) *exec.Cmd {
		return exec.CommandContext(ctx, "runc", append([]string{"--root", state}, args...)...)
	}
	remove := func() { _ = runc(context.Background(), "delete", "--force", id).Run() } // it is gone if it ended by itself
	defer remove()
	j, err := start(runc(t.Context(), "run", "--bundle", bundle, id))
	if err != nil {
		t.Fatal(err)
	}
	patience := time.AfterFunc(30*time.Second, remove)
	defer patience.Stop()
	return p.work(t.Context(), j, at, 1, func() error { return runc(t.Context(), "kill", id, "TERM").Run() })
}

// writeBundle makes an OCI bundle out of runc's own example.
func writeBundle(ctx context.Context, bundle, id string, args []string, dir string, profile []byte) error {
	if out, err := exec.CommandContext(ctx, "runc", "spec", "--bundle", bundle).CombinedOutput(); err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	path := filepath.Join(bundle, "config.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var spec map[string]any
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	mounts, err := machine(filepath.Join(bundle, "rootfs"))
	if err != nil {
		return err
	}
	mounts = append(mounts, bind(dir, "rw"), tmpfs("/run"))
	spec["mounts"] = append(spec["mounts"].([]any), mounts...)
	spec["root"] = map[string]any{"path": "rootfs", "readonly": false}
	process := spec["process"].(map[string]any)
	process["terminal"] = false
	process["args"] = args
	process["env"] = environment
	process["capabilities"] = ownCapabilities()
	process["rlimits"] = nil
	linux := spec["linux"].(map[string]any)
	linux["cgroupsPath"] = "/" + id
	linux["namespaces"] = slices.DeleteFunc(linux["namespaces"].([]any), func(n any) bool {
		return n.(map[string]any)["type"] == "network"
	})
	if profile != nil {
		linux["seccomp"] = json.RawMessage(profile)
	}
	if text, err = json.Marshal(spec); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// machine makes a root directory in which what the machine has installed is
// mounted, and nothing can be changed.
func machine(root string) ([]any, error) {
	var mounts []any
	for _, name := range []string{"/usr", "/etc", "/var", "/bin", "/sbin", "/lib", "/lib32", "/lib64"} {
		info, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			mounts = append(mounts, bind(name, "ro"))
			continue
		}
		target, err := os.Readlink(name)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(os.MkdirAll(root, 0o755), os.Symlink(target, filepath.Join(root, name))); err != nil {
			return nil, err
		}
	}
	return mounts, nil
}

func bind(path, mode string) map[string]any {
	return map[string]any{"destination": path, "source": path, "type": "bind", "options": []string{"bind", mode}}
}

func tmpfs(path string) map[string]any {
	return map[string]any{"destination": path, "source": "tmpfs", "type": "tmpfs"}
}

// ownCapabilities are those of the recording: no call is to fail for want of
// one.
func ownCapabilities() map[string][]string {
	var names []string
	process := cap.GetProc()
	for c := range cap.MaxBits() {
		if has, err := process.GetFlag(cap.Permitted, c); err == nil && has {
			names = append(names, strings.ToUpper(c.String()))
		}
	}
	return map[string][]string{"bounding": names, "effective": names, "permitted": names}
}

// profileOf is what is changed in a seccomp profile.
type profileOf struct {
	DefaultAction string   `json:"defaultAction"`
	Architectures []string `json:"architectures"`
	Syscalls      []struct {
		Names  []string `json:"names"`
		Action string   `json:"action"`
	} `json:"syscalls"`
}

// changed returns a profile with a change.
func changed(t *testing.T, profile []byte, change func(*profileOf)) []byte {
	t.Helper()
	var p profileOf
	if err := json.Unmarshal(profile, &p); err != nil {
		t.Fatal(err)
	}
	change(&p)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// killing returns a profile that kills where the other refuses: a program may
// pass over what is refused.
func killing(t *testing.T, profile []byte) []byte {
	return changed(t, profile, func(p *profileOf) { p.DefaultAction = "SCMP_ACT_KILL_PROCESS" })
}

// without returns a profile that lacks a call, which it has to have.
func without(t *testing.T, profile []byte, call string) []byte {
	return changed(t, profile, func(p *profileOf) {
		before := len(p.Syscalls[0].Names)
		p.Syscalls[0].Names = slices.DeleteFunc(p.Syscalls[0].Names, func(name string) bool { return name == call })
		if len(p.Syscalls[0].Names) == before {
			t.Errorf("%s was not recorded", call)
		}
	})
}
