package main

import (
	"context"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"bobwatch/internal/rollout"
	"bobwatch/internal/term"
)

func newUninstallCommand(t *term.Terminal) *cobra.Command {
	o := rollout.Change{Terminal: t}
	c := &cobra.Command{
		Use:   "uninstall NAME",
		Short: "Take a document out of force on all nodes of a cluster",
		Long: `Take a document out of force on all nodes of a cluster. bobctl shows the changes,
asks for confirmation, removes the ConfigMap of the document, and waits until no
agent has the document in force.

A workload that no other document describes is guarded by its learned profile, or
learned if it has none. If the document is not installed, bobctl does nothing and
exits with 0.`,
		Example: `  bobctl uninstall webapp -n shop
  bobctl uninstall webapp -n shop --yes --wait=false`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || len(validation.IsDNS1123Subdomain(args[0])) > 0 {
				return term.Usagef("want the NAME of one ConfigMap; bobctl status lists them")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return runUninstall(c.Context(), &o, args[0]) },
	}
	c.ValidArgsFunction = fromCluster(&o.Cluster, installed)
	registerChange(c, &o)
	return c
}

func runUninstall(ctx context.Context, o *rollout.Change, name string) error {
	client, err := o.Cluster.Connect()
	if err != nil {
		return err
	}
	return o.Uninstall(ctx, client, name)
}
