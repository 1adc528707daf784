package rollout

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bobwatch/internal/catalog"
	"bobwatch/internal/cluster"
	"bobwatch/internal/listing"
	"bobwatch/internal/term"
)

// Uninstall removes the ConfigMap called name, and waits until no agent has its
// document in force.
func (o *Change) Uninstall(ctx context.Context, client *cluster.Client, name string) error {
	result := Result{Namespace: client.Namespace, Name: name, DryRun: o.DryRun}
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
func (o *Change) remove(ctx context.Context, client *cluster.Client, present *corev1.ConfigMap) error {
	options := metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &present.UID, ResourceVersion: &present.ResourceVersion},
		DryRun:        []string{metav1.DryRunAll},
	}
	maps := client.CoreV1().ConfigMaps(present.Namespace)
	if err := maps.Delete(ctx, present.Name, options); err != nil {
		return fmt.Errorf("remove configmap: %w", err)
	}
	o.contents(present)
	if o.DryRun {
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

// contents prints the documents to be removed.
func (o *Change) contents(m *corev1.ConfigMap) {
	documents := Published(m).Documents()
	for i := range documents {
		profiles, err := content(&documents[i])
		if err != nil {
			o.say("%s cannot be read", o.Terminal.Colour(term.Bold, term.Word(documents[i].Name)))
		}
		for _, p := range profiles {
			o.say("%s, for %s", o.Terminal.Colour(term.Bold, term.Word(p.Metadata.Name)), selectionIn(m.Namespace, p))
			for j := range p.Spec.Containers {
				o.say("  %s", listing.Counts(&p.Spec.Containers[j]))
			}
		}
	}
}
