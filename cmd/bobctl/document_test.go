package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"bobwatch/internal/profile"
	"bobwatch/internal/profile/documents"
)

// Every real profile can be converted to every form that keeps it, and what
// comes out is the same document.
func TestConvertKeepsDocuments(t *testing.T) {
	workspace(t)
	files, err := filepath.Glob("kubescape/[acn][pn]-*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d profiles to convert", len(files))
	}
	skip := map[string]bool{"kubescape/ap-webapp-helm-template.yaml": true, "kubescape/nn-recursive-star-rejected.yaml": true}
	for _, file := range files {
		if skip[file] {
			continue
		}
		for _, form := range []string{"bob", "cp"} {
			converted := succeed(t, "", "convert", file, "--to", form)
			if strings.Count(converted, "\n---\n") > 0 {
				continue // diff takes one document
			}
			if o := bobctl(t, converted, "diff", file, "-"); o.code != 0 {
				t.Errorf("%s --to %s: %s%s", file, form, o.out, o.err)
			}
		}
	}
}

// A workload's two documents come out as one kind each.
func TestConvertToKubescape(t *testing.T) {
	workspace(t)
	both := readFile(t, "kubescape/ap-chain-frontend.yaml") + "---\n" + readFile(t, "kubescape/nn-chain-frontend.yaml")
	for form, kind := range map[string]string{"ap": "ApplicationProfile", "nn": "NetworkNeighborhood", "cp": "ContainerProfile"} {
		got := succeed(t, both, "convert", "-", "--to", form)
		if strings.Count(got, "\nkind: ") != 1 || !strings.Contains(got, "\nkind: "+kind+"\n") || strings.Contains(got, "\n---") {
			t.Errorf("--to %s: want one %s, got\n%s", form, kind, got)
		}
		if o := bobctl(t, got, "check", "-"); o.code != 0 {
			t.Errorf("--to %s: %s", form, o.out)
		}
	}
}

func TestRender(t *testing.T) {
	workspace(t)
	writeFile(t, "values.yaml", "bob: {create: true, templateHash: abc, clusterName: c, ignore: false}\nservice: {port: 8080}\n")
	writeFile(t, "webapp.values.yaml", "clientCIDR: 10.2.0.0/16\n")
	tests := map[string]struct {
		args []string
		want string
	}{
		"helm":            {[]string{"kubescape/ap-webapp-helm-template.yaml", "--values", "values.yaml", "--release", "webapp", "--namespace", "shop"}, "name: replicaset-webapp-mywebapp-"},
		"defaults":        {[]string{"webapp.yaml", "--bind"}, "- 10.0.0.0/8"},
		"parameters":      {[]string{"webapp.yaml", "--parameters", "webapp.values.yaml"}, "- 10.2.0.0/16"},
		"set wins":        {[]string{"webapp.yaml", "--parameters", "webapp.values.yaml", "--set", "clientCIDR=10.3.0.0/16"}, "- 10.3.0.0/16"},
		"nothing to bind": {[]string{"webapp.yaml"}, "$(clientCIDR)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := succeed(t, "", append([]string{"render"}, tt.args...)...); !strings.Contains(got, tt.want) {
				t.Errorf("render %q: %q is not in\n%s", tt.args, tt.want, got)
			}
		})
	}
}

// --out may name the file that was read, and nothing half-written stays.
func TestOut(t *testing.T) {
	workspace(t)
	succeed(t, "", "patch", "webapp-next.yaml", "--syscall", "dup", "--out", "webapp-next.yaml")
	if got := readFile(t, "webapp-next.yaml"); !strings.Contains(got, "- dup\n") {
		t.Errorf("the call is not in\n%s", got)
	}
	writeFile(t, "webapp-next.sigstore.json", "{}")
	o := bobctl(t, "", "patch", "webapp-next.yaml", "--syscall", "dup3", "--out", "webapp-next.yaml")
	if o.code != 0 || !strings.Contains(o.err, "webapp-next.sigstore.json is out of date") {
		t.Errorf("patch of a signed file: exit code %d and %q", o.code, o.err)
	}
	if o := bobctl(t, "", "merge", "webapp.yaml", "--out", "none/x.yaml"); o.code != exitError {
		t.Errorf("writing into no directory: exit code %d", o.code)
	}
	if hidden, _ := filepath.Glob(".*"); len(hidden) > 0 {
		t.Errorf("left behind: %v", hidden)
	}
}

// A vendor's document and the customer's own, of which only some apply, become
// one about the customer's workload.
func TestMergeForWorkload(t *testing.T) {
	workspace(t)
	for _, name := range []string{"webapp", "blog"} {
		succeed(t, "", "allow", "--workload", "shop/Deployment/"+name, "--container", "web", "--exec", "/bin/"+name)
	}
	merged := succeed(t, "", "merge", "--workload", "shop/Deployment/webapp", "webapp.yaml", allowanceFile)
	profiles, err := documents.Parse("merged", []byte(merged))
	if err != nil {
		t.Fatal(err)
	}
	p := profiles[0]
	want := profile.Workload{Namespace: "shop", Kind: "Deployment", Name: "webapp"}
	if len(profiles) != 1 || p.IsAllowance() || p.Metadata.Name != "webapp" || !reflect.DeepEqual(p.Spec.Workload, want) {
		t.Errorf("want one profile webapp of shop, got\n%s", merged)
	}
	if !strings.Contains(merged, "/bin/webapp") || strings.Contains(merged, "/bin/blog") || !strings.Contains(merged, "/usr/sbin/apache2") {
		t.Errorf("want what applies to webapp and nothing else, got\n%s", merged)
	}
}

// A document that goes by labels is joined with one that goes by name: the
// whole is for what has both.
func TestMergeSharesLabels(t *testing.T) {
	workspace(t)
	const labelled = `{"apiVersion": "bobwatch/v1alpha1", "kind": "BillOfBehavior", "metadata": {"name": "webapp"},
		"spec": {"workload": {"labels": {"app": "%s"}}, "containers": [{"name": "web", "execs": [{"path": "/bin/a"}]}]}}`
	writeFile(t, "labelled.yaml", fmt.Sprintf(labelled, "webapp"))
	writeFile(t, "other.yaml", fmt.Sprintf(labelled, "other"))
	succeed(t, "", "allow", "--workload", "shop/Deployment/front", "--container", "web", "--exec", "/bin/b")
	merge := []string{"merge", "--workload", "shop/Deployment/front", "labelled.yaml", allowanceFile}
	merged := succeed(t, "", merge...)
	for _, want := range []string{"name: front", "app: webapp", "/bin/a", "/bin/b"} {
		if !strings.Contains(merged, want) {
			t.Errorf("no %q in\n%s", want, merged)
		}
	}
	if o := bobctl(t, "", append(merge, "other.yaml")...); o.code != exitError || !strings.Contains(o.err, "different workloads") {
		t.Errorf("a label of two values: exit code %d and %q", o.code, o.err)
	}
}

// Names in documents are chosen by containers. None may reach a terminal as
// it is, in whatever form.
func TestOutputIsPrintable(t *testing.T) {
	workspace(t)
	writeFile(t, "evil.yaml", `{"apiVersion": "bobwatch/v1alpha1", "kind": "BillOfBehavior",
		"metadata": {"name": "a\u001b]0;x\u0007", "version": "\u009b31m"},
		"spec": {"workload": {"kind": "\u202e", "name": "x\n"}, "containers": [{"name": "\u001b[2J",
			"images": ["\u0085"], "execs": [{"path": "/\r", "args": ["\u007f", "\u2028", "*", "/\u001b"]}, {"path": "/\u001b\nforged: line\n/sh"}],
			"opens": [{"path": "/*/\u001b"}], "capabilities": ["SYS_ADMIN", "\u001b"],
			"network": {"egress": [{"type": "\u001b", "podSelector": {"\u001b": "\u001b"}}]},
			"endpoints": [{"endpoint": ":80/\u001b", "direction": "\u001b"}]}]}}`)
	for _, args := range [][]string{
		{"show", "evil.yaml"},
		{"show", "-o", "json", "evil.yaml"},
		{"show", "-o", "yaml", "evil.yaml"},
		{"check", "evil.yaml"},
		{"check", "-o", "json", "evil.yaml"},
		{"check", "-o", "yaml", "evil.yaml"},
		{"diff", "evil.yaml", "webapp.yaml"},
		{"diff", "-o", "json", "evil.yaml", "webapp.yaml"},
		{"diff", "-o", "yaml", "evil.yaml", "webapp.yaml"},
		{"merge", "evil.yaml"},
		{"patch", "evil.yaml", "--syscall", "dup"},
		{"convert", "evil.yaml", "--to", "bob"},
		{"merge", "evil.yaml", "webapp.yaml"},
		{"patch", "evil.yaml", "--container", "x", "--syscall", "dup"},
		{"verify", "evil.yaml", "--key", "vendor.pub"},
	} {
		o := bobctl(t, "", args...)
		for i, r := range o.out + o.err {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("bobctl %q: byte %d is %q", args, i, r)
				break
			}
		}
		if strings.Contains("\n"+o.out+o.err, "\nforged") {
			t.Errorf("bobctl %q: a name forged a line:\n%s%s", args, o.out, o.err)
		}
	}
}

func TestCompressedInput(t *testing.T) {
	workspace(t)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write([]byte(readFile(t, "webapp.yaml"))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("webapp.yaml.gz", zipped.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	succeed(t, "", "diff", "webapp.yaml", "webapp.yaml.gz")

	// 32 MiB of spaces in 32 KiB.
	zipped.Reset()
	w = gzip.NewWriter(&zipped)
	if _, err := w.Write(bytes.Repeat([]byte(" "), 32<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if o := bobctl(t, zipped.String(), "show", "-"); o.code != exitError || !strings.Contains(o.err, "limit exceeded") {
		t.Errorf("a bomb: exit code %d and %q", o.code, o.err)
	}
}

// No file stops bobctl from saying what is wrong with it.
func FuzzCheck(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "../../internal/profile/testdata/kubescape/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			f.Add(readFile(f, file))
		}
	}
	f.Add("apiVersion: bobwatch/v1alpha1\nkind: BillOfBehavior\nmetadata: {name: &a x}\n" +
		"spec: {containers: [{name: *a, opens: [{path: !!str /*}, &b {path: \"/\\x2a/x\"}, *b]}]}")
	f.Fuzz(func(t *testing.T, text string) {
		o := bobctl(t, text, "check", "-")
		if o.code != 0 && o.code != exitError {
			t.Errorf("exit code %d", o.code)
		}
		if (o.code == exitError) != strings.Contains(o.out, "error: ") {
			t.Errorf("exit code %d and\n%s%s", o.code, o.out, o.err)
		}
	})
}

// A pipe or a device is written to: it would be a bad thing to replace /dev/null.
func TestOutputToPipe(t *testing.T) {
	workspace(t)
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile("pipe", os.O_RDWR, 0) // does not wait for a writer
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	succeed(t, "", "merge", "webapp.yaml", "--out", "pipe")
	if info, err := os.Lstat("pipe"); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Fatalf("the pipe was replaced: %v, %v", info.Mode(), err)
	}
	begin := make([]byte, len("apiVersion"))
	if _, err := io.ReadFull(pipe, begin); err != nil || string(begin) != "apiVersion" {
		t.Errorf("read %q, %v; want a document", begin, err)
	}
}
