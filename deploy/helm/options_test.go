package helm

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestMonitoring(t *testing.T) {
	all := render(t, everything)
	text, err := os.ReadFile("../prometheus/bobwatch.rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.ReplaceAll(string(text), "docs/runbooks/", "https://runbooks.example/bobwatch/")
	var want map[string]any
	if err := yaml.Unmarshal([]byte(moved), &want); err != nil {
		t.Fatal(err)
	}
	rule := get[*unstructured.Unstructured](t, all, "PrometheusRule bobwatch/bobwatch")
	if diff := cmp.Diff(want, rule.Object["spec"]); diff != "" {
		t.Errorf("rules (-file +chart):\n%s", diff)
	}
	for key, field := range map[string]string{
		"PodMonitor bobwatch/bobwatch":     "podMetricsEndpoints",
		"ServiceMonitor bobwatch/bobwatch": "endpoints",
	} {
		endpoints, _, err := unstructured.NestedSlice(get[*unstructured.Unstructured](t, all, key).Object, "spec", field)
		if err != nil || len(endpoints) != 1 {
			t.Fatalf("%s: endpoints %v, %v", key, endpoints, err)
		}
		endpoint := endpoints[0].(map[string]any)
		if endpoint["port"] != "metrics" || endpoint["honorLabels"] != true || endpoint["scheme"] != "https" {
			t.Errorf("%s: endpoint %v", key, endpoint)
		}
	}
	dashboard := get[*corev1.ConfigMap](t, all, "ConfigMap monitoring/bobwatch-dashboard").Data["bobwatch.json"]
	if text, err = os.ReadFile("../grafana/bobwatch.json"); err != nil || dashboard != string(text) {
		t.Errorf("the dashboard differs from deploy/grafana (%v)", err)
	}
}

func TestNetworkPolicy(t *testing.T) {
	tests := map[string]struct {
		values string
		want   int // rules
	}{
		"peers":   {everything, 1},
		"nobody":  {alone, 0},
		"default": {"--set=networkPolicy.enabled=true", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			policy := get[*networkingv1.NetworkPolicy](t, render(t, tt.values), "NetworkPolicy bobwatch/bobwatch")
			if got := policy.Spec.Ingress; len(got) != tt.want || tt.want > 0 && len(got[0].From) == 0 {
				t.Errorf("ingress %v, want %d rules with peers", got, tt.want)
			}
		})
	}
}

// TestRoles: with a list of namespaces, ConfigMaps of others are out of reach.
func TestRoles(t *testing.T) {
	touches := func(rules []rbacv1.PolicyRule, resource, verb string) bool {
		return slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
			return slices.Contains(r.Resources, resource) && slices.Contains(r.Verbs, verb)
		})
	}
	t.Run("all namespaces", func(t *testing.T) {
		rules := get[*rbacv1.ClusterRole](t, render(t), "ClusterRole /bobwatch").Rules
		if !touches(rules, "configmaps", "watch") || !touches(rules, "events", "create") {
			t.Errorf("the cluster role lacks rules: %v", rules)
		}
		for _, verb := range []string{"create", "update", "get"} {
			if touches(rules, "configmaps", verb) {
				t.Errorf("may %s ConfigMaps of every namespace: %v", verb, rules)
			}
		}
		learned := get[*rbacv1.Role](t, render(t), "Role bobwatch/bobwatch-learned").Rules
		if !touches(learned, "configmaps", "update") {
			t.Errorf("may not write what is learned: %v", learned)
		}
	})
	t.Run("some", func(t *testing.T) {
		all := render(t, everything)
		rules := get[*rbacv1.ClusterRole](t, all, "ClusterRole /bobwatch").Rules
		if touches(rules, "configmaps", "list") || !touches(rules, "events", "create") {
			t.Errorf("the cluster role reaches ConfigMaps of all namespaces, or no Events: %v", rules)
		}
		for _, namespace := range []string{"shop", "backend"} {
			role := get[*rbacv1.Role](t, all, "Role "+namespace+"/bobwatch")
			if !touches(role.Rules, "configmaps", "watch") || touches(role.Rules, "configmaps", "update") {
				t.Errorf("the role in %s is not for reading documents: %v", namespace, role.Rules)
			}
			get[*rbacv1.RoleBinding](t, all, "RoleBinding "+namespace+"/bobwatch")
		}
	})
	t.Run("only documents", func(t *testing.T) {
		for key := range render(t, "--set=config.kubernetes.learnedProfiles=false") {
			if strings.Contains(key, "-learned") {
				t.Errorf("the chart makes %s", key)
			}
		}
	})
	t.Run("without the API server", func(t *testing.T) {
		for key := range render(t, alone) {
			if strings.Contains(key, "Role") {
				t.Errorf("the chart makes %s", key)
			}
		}
	})
}
