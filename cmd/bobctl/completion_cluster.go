package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/catalog"
	"bobwatch/internal/cluster"
)

// completionTimeout is how long a shell may be kept waiting.
const completionTimeout = 2 * time.Second

// lookup returns the names that a cluster offers. It leaves out names that it cannot read.
type lookup func(ctx context.Context, client *cluster.Client) []string

// fromCluster completes by names in the cluster that the flags choose.
func fromCluster(flags *cluster.Flags, l lookup) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		client, err := flags.Connect()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
		defer cancel()
		return l(ctx, client), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeFlagBy lets shells offer values that have to be looked up.
func completeFlagBy(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // there is no such flag, or it has values already
	}
}

// completeCluster lets shells offer the values of the flags that
// cluster.Flags.Register registers.
func completeCluster(c *cobra.Command, flags *cluster.Flags) {
	completeFlagBy(c, "namespace", fromCluster(flags, namespaces))
	completeFlagBy(c, "agent-namespace", fromCluster(flags, namespaces))
	completeFlagBy(c, "context", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return flags.Contexts(), cobra.ShellCompDirectiveNoFileComp
	})
}

func namespaces(ctx context.Context, client *cluster.Client) []string {
	list, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}

// installed offers the ConfigMaps with documents.
func installed(ctx context.Context, client *cluster.Client) []string {
	list, err := client.CoreV1().ConfigMaps(client.Namespace).List(ctx,
		metav1.ListOptions{LabelSelector: catalog.Label + "=" + catalog.LabelValue})
	if err != nil {
		return nil
	}
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names
}

// workloads offers NAMESPACE/KIND/NAME of the workloads of the namespace.
func workloads(ctx context.Context, client *cluster.Client) []string {
	apps := client.AppsV1()
	var names []string
	add := func(kind string, meta *metav1.ObjectMeta) {
		names = append(names, meta.Namespace+"/"+kind+"/"+meta.Name)
	}
	if list, err := apps.Deployments(client.Namespace).List(ctx, metav1.ListOptions{}); err == nil {
		for i := range list.Items {
			add("Deployment", &list.Items[i].ObjectMeta)
		}
	}
	if list, err := apps.StatefulSets(client.Namespace).List(ctx, metav1.ListOptions{}); err == nil {
		for i := range list.Items {
			add("StatefulSet", &list.Items[i].ObjectMeta)
		}
	}
	if list, err := apps.DaemonSets(client.Namespace).List(ctx, metav1.ListOptions{}); err == nil {
		for i := range list.Items {
			add("DaemonSet", &list.Items[i].ObjectMeta)
		}
	}
	if list, err := client.BatchV1().CronJobs(client.Namespace).List(ctx, metav1.ListOptions{}); err == nil {
		for i := range list.Items {
			add("CronJob", &list.Items[i].ObjectMeta)
		}
	}
	return names
}
