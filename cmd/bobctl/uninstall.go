package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"bobwatch/internal/catalog"
	"bobwatch/internal/cluster"
	"bobwatch/internal/listing"
	"bobwatch/internal/term"
)

func newUninstallCommand(t *term.Terminal) *cobra.Command {
	o := change{terminal: t}
	c := &cobra.Command{
		Use:   "uninstall NAME",
		Short: "Take a document out of force on all nodes of a cluster",
		Long: `Take a document out of force on all nodes of a cluster: show what goes, ask,
remove its ConfigMap, and wait until no agent has it in force.

A workload that no other document describes is guarded by what was learned of
it, or learned. If it is not installed nothing is done, and that is no error.`,
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
	c.ValidArgsFunction = fromCluster(&o.cluster, installed)
	o.register(c)
	return c
}

func runUninstall(ctx context.Context, o *change, name string) error {
	client, err := o.cluster.Connect()
	if err != nil {
		return err
	}
	result := changeResult{Namespace: client.Namespace, Name: name, DryRun: o.dryRun}
	present, err := client.CoreV1().ConfigMaps(client.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		o.say("%s/%s is not installed", client.Namespace, name)
	case err != nil:
		return fmt.Errorf("read what is installed: %w", err)
	case !isDocument(present):
		return fmt.Errorf("configmap %s/%s holds no documents (it lacks the label %s)", present.Namespace, present.Name, catalog.Label)
	default:
		result.Changed = true
		if err := o.remove(ctx, client, present); err != nil {
			return err
		}
	}
	gone := documentVersion{source: (&catalog.ConfigMap{Namespace: client.Namespace, Name: name}).Source()}
	return o.await(ctx, client, gone, &result, "out of force")
}

// remove deletes the ConfigMap, if the user wants to and nobody has changed it
// meanwhile.
func (o *change) remove(ctx context.Context, client *cluster.Client, present *corev1.ConfigMap) error {
	options := metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &present.UID, ResourceVersion: &present.ResourceVersion},
		DryRun:        []string{metav1.DryRunAll},
	}
	maps := client.CoreV1().ConfigMaps(present.Namespace)
	if err := maps.Delete(ctx, present.Name, options); err != nil {
		return fmt.Errorf("remove configmap: %w", err)
	}
	o.contents(present)
	if o.dryRun {
		o.say("Nothing was changed.")
		return nil
	}
	if err := o.agree(ctx, fmt.Sprintf("Remove %s/%s?", present.Namespace, present.Name)); err != nil {
		return err
	}
	options.DryRun = nil
	err := maps.Delete(ctx, present.Name, options)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("remove configmap: %w", err)
	}
	return nil
}

// contents says what goes.
func (o *change) contents(m *corev1.ConfigMap) {
	documents := published(m).Documents()
	for i := range documents {
		profiles, err := content(&documents[i])
		if err != nil {
			o.say("%s cannot be read", o.terminal.Colour(term.Bold, term.Word(documents[i].Name)))
		}
		for _, p := range profiles {
			o.say("%s, for %s", o.terminal.Colour(term.Bold, term.Word(p.Metadata.Name)), selectionIn(m.Namespace, p))
			for j := range p.Spec.Containers {
				o.say("  %s", listing.Counts(&p.Spec.Containers[j]))
			}
		}
	}
}
