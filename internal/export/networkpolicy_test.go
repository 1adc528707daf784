package export

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"bobwatch/internal/profile"
)

func TestNetworkPolicy(t *testing.T) {
	tcp := func(port string) []profile.Port { return []profile.Port{{Protocol: "TCP", Port: port}} }
	p := &profile.Profile{
		Metadata: profile.Metadata{Name: "web"},
		Spec: profile.Spec{
			Workload: profile.Workload{Namespace: "shop", Name: "web", Labels: map[string]string{"app": "web"}},
			Senses:   []profile.Sense{profile.SenseNetwork},
			Containers: []profile.Container{
				{Name: "web", Network: profile.Network{
					Ingress: []profile.Neighbor{{Entities: []string{"private"}, Ports: tcp("80")}},
					Egress: []profile.Neighbor{
						{Entities: []string{"loopback"}, Ports: tcp("9000")},
						{IPAddresses: []string{"192.0.2.7"}, Ports: []profile.Port{{Protocol: "UDP", Port: "1000", EndPort: "2000"}}},
						{DNSNames: []string{"example.org."}, Ports: tcp("443")},
						{Entities: []string{"world"}, Ports: []profile.Port{{Protocol: "ICMP"}}},
						{Identifier: "nobody"},
					},
				}},
				{Name: "sidecar", Network: profile.Network{Egress: []profile.Neighbor{
					{PodSelector: map[string]any{"matchLabels": map[string]any{"app": "db"}}, Ports: tcp("5432")},
				}}},
			},
		},
	}
	text, losses, err := NetworkPolicy(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	var policy networking.NetworkPolicy
	if err := yaml.UnmarshalStrict(text, &policy); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if policy.Namespace != "shop" || policy.Name != "web" || policy.Spec.PodSelector.MatchLabels["app"] != "web" || len(policy.Spec.PolicyTypes) != 2 {
		t.Errorf("policy: %s", text)
	}
	if len(losses) != 3 {
		t.Errorf("losses: %q, want the name, ICMP and the peer without one", losses)
	}
	var got []string
	for _, rule := range policy.Spec.Egress {
		var words []string
		for _, to := range rule.To {
			if to.IPBlock != nil {
				words = append(words, to.IPBlock.CIDR)
			}
			if to.NamespaceSelector != nil && len(to.NamespaceSelector.MatchLabels) == 0 {
				words = append(words, "pods")
			}
			if to.PodSelector != nil {
				words = append(words, "app="+to.PodSelector.MatchLabels["app"])
			}
		}
		for _, port := range rule.Ports {
			words = append(words, string(*port.Protocol)+port.Port.String())
		}
		got = append(got, strings.Join(words, " "))
	}
	want := []string{
		"0.0.0.0/0 ::/0 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7 pods TCP443",
		"192.0.2.7/32 UDP1000",
		"app=db TCP5432",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("egress (-want +got):\n%s", diff)
	}
	if end := policy.Spec.Egress[1].Ports[0].EndPort; end == nil || *end != 2000 {
		t.Errorf("end of the range: %v", end)
	}
}

// A policy that would select other pods, or cut what nobody described, is not written.
func TestNetworkPolicyRefuses(t *testing.T) {
	for name, spec := range map[string]profile.Spec{
		"no labels":  {Senses: []profile.Sense{profile.SenseNetwork}, Containers: []profile.Container{{Name: "web"}}},
		"no sense":   {Senses: []profile.Sense{profile.SenseOpens}, Workload: profile.Workload{Labels: map[string]string{"a": "b"}}, Containers: []profile.Container{{Name: "web"}}},
		"parameters": {Parameters: []profile.Parameter{{Name: "x"}}},
	} {
		if text, _, err := NetworkPolicy(&profile.Profile{Spec: spec}, nil); err == nil {
			t.Errorf("%s: got %s, want an error", name, text)
		}
	}
}
