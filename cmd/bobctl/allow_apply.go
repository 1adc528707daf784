package main

import (
	"context"
	"crypto"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"bobwatch/internal/profile"
	"bobwatch/internal/rollout"
	"bobwatch/internal/signing"
	"bobwatch/internal/term"
)

// applyOptions say how an allowance gets into a cluster.
type applyOptions struct {
	wanted bool
	rollout.Change
	key string
}

func (o *applyOptions) register(c *cobra.Command, t *term.Terminal) {
	o.Terminal = t
	o.Format = term.Table
	flags := c.Flags()
	o.Cluster.Register(flags)
	flags.Lookup("namespace").Usage = "`NAMESPACE` of the allowance, with --apply (default: the workload's)"
	flags.BoolVar(&o.wanted, "apply", false, "put the allowance into force in the cluster instead of writing a file")
	flags.StringVar(&o.key, "key", "", "with --apply, sign the allowance with the private key in `FILE`")
	flags.BoolVar(&o.Wait, "wait", true, "with --apply, wait until the agents of all nodes have loaded the allowance")
	flags.DurationVar(&o.Timeout, "timeout", time.Minute, "with --apply, wait at most `TIME`")
	completeCluster(c, &o.Cluster)
}

// check reports flags that do not go together.
func (o *applyOptions) check(flags *pflag.FlagSet) error {
	if o.wanted {
		if flags.Changed("file") {
			return term.Usagef("say where the allowance goes: either --apply or --file")
		}
		o.DryRun, _ = flags.GetBool("dry-run")
		return nil
	}
	for _, name := range []string{"key", "namespace", "kubeconfig", "context", "agent-namespace", "wait", "timeout"} {
		if flags.Changed(name) {
			return term.Usagef("--%s is for what goes into a cluster: --apply; a file is signed by bobctl sign", name)
		}
	}
	return nil
}

// applyAll puts the additions into force, namespace by namespace.
func (o *allowOptions) applyAll(ctx context.Context, additions []*profile.Profile) error {
	client, err := o.apply.Cluster.Connect()
	if err != nil {
		return err
	}
	var key crypto.Signer
	if o.apply.key != "" {
		if key, err = signing.PrivateKey(o.terminal, o.apply.key); err != nil {
			return err
		}
	}
	return rollout.Allow(ctx, &o.apply.Change, client, key, additions)
}
