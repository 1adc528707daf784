package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
)

// maxComplaint bounds the kept end of a program's standard error.
const maxComplaint = 4096

// Exec runs a program in the agent's container, with the agent's rights on the
// node, until it ends. It needs the right to create pods/exec there. The caller has
// to bound what the program writes to out; its standard error becomes part of the
// error. When ctx ends, Exec closes the connection; it does not end the program.
func (c *Client) Exec(ctx context.Context, a Agent, in io.Reader, out io.Writer, command ...string) error {
	if a.Problem != "" {
		return errors.New(a.Problem)
	}
	url := c.CoreV1().RESTClient().Post().
		Namespace(a.Namespace).Resource("pods").Name(a.Pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: agentContainer, Command: command, Stdin: in != nil, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec).URL()
	overWebSocket, err := remotecommand.NewWebSocketExecutor(c.Config, "GET", url.String())
	if err != nil {
		return fmt.Errorf("exec in pod %s: %w", a.Pod, err)
	}
	overSPDY, err := remotecommand.NewSPDYExecutor(c.Config, "POST", url)
	if err != nil {
		return fmt.Errorf("exec in pod %s: %w", a.Pod, err)
	}
	executor, err := remotecommand.NewFallbackExecutor(overWebSocket, overSPDY, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return fmt.Errorf("exec in pod %s: %w", a.Pod, err)
	}
	var said complaint
	err = executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: in, Stdout: out, Stderr: &said})
	if err != nil {
		return fmt.Errorf("exec in pod %s: %w%s", a.Pod, err, said.suffix())
	}
	return nil
}

// complaint keeps the last bytes that are written to it.
type complaint struct{ bytes.Buffer }

func (t *complaint) Write(p []byte) (int, error) {
	n, _ := t.Buffer.Write(p) // it does not fail
	if over := t.Len() - maxComplaint; over > 0 {
		t.Next(over)
	}
	return n, nil
}

// suffix returns what was written, for the end of a sentence.
func (t *complaint) suffix() string {
	text := strings.TrimSpace(t.String())
	if text == "" {
		return ""
	}
	return ": " + strings.TrimPrefix(text, "bobctl: ")
}
