package main

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Shells offer what the cluster has, and nothing if it does not answer.
func TestCompletionFromCluster(t *testing.T) {
	client := controlPlane(t)
	workspace(t)
	labels := map[string]string{"app": "x"}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "localhost/none"}}},
	}
	selector := &metav1.LabelSelector{MatchLabels: labels}
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
	apps, options := client.AppsV1(), metav1.CreateOptions{}
	if _, err := apps.Deployments("shop").Create(t.Context(), &appsv1.Deployment{ObjectMeta: meta("webapp"), Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}}, options); err != nil {
		t.Fatal(err)
	}
	if _, err := apps.StatefulSets("shop").Create(t.Context(), &appsv1.StatefulSet{ObjectMeta: meta("db"), Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template}}, options); err != nil {
		t.Fatal(err)
	}
	if _, err := apps.DaemonSets("shop").Create(t.Context(), &appsv1.DaemonSet{ObjectMeta: meta("log"), Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template}}, options); err != nil {
		t.Fatal(err)
	}
	job := batchv1.JobSpec{Template: template}
	job.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	cron := &batchv1.CronJob{ObjectMeta: meta("mail"), Spec: batchv1.CronJobSpec{Schedule: "@daily", JobTemplate: batchv1.JobTemplateSpec{Spec: job}}}
	if _, err := client.BatchV1().CronJobs("shop").Create(t.Context(), cron, options); err != nil {
		t.Fatal(err)
	}
	succeed(t, "", "install", "webapp.yaml", "-n", "shop", "--insecure-skip-verify", "--yes", "--wait=false")

	tests := map[string]struct {
		args []string
		want string
	}{
		"namespaces": {[]string{"install", "webapp.yaml", "--namespace", ""}, "default shop"},
		"contexts":   {[]string{"status", "--context", ""}, "bobwatch"},
		"documents":  {[]string{"uninstall", "-n", "shop", ""}, "webapp"},
		"workloads":  {[]string{"alerts", "-n", "shop", "--workload", ""}, "shop/Deployment/webapp shop/StatefulSet/db shop/DaemonSet/log shop/CronJob/mail"},
		"nowhere":    {[]string{"uninstall", "--kubeconfig", "webapp.yaml", ""}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out := succeed(t, "", append([]string{"__complete"}, tt.args...)...)
			lines := strings.Split(strings.TrimSpace(out), "\n")
			got := lines[:len(lines)-1] // the last is a directive
			for want := range strings.FieldsSeq(tt.want) {
				if !slices.Contains(got, want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
			if tt.want == "" && len(got) > 0 {
				t.Errorf("got %q, want nothing", got)
			}
		})
	}
}
