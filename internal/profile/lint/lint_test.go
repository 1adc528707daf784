package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bobwatch/internal/profile"
)

func TestWarnings(t *testing.T) {
	bound := profile.Workload{Kind: "Deployment", Name: "web"}
	with := func(c profile.Container) *profile.Profile {
		c.Name = "web"
		if c.Syscalls == nil {
			c.Syscalls = map[string][]string{"amd64": {"read"}}
		}
		if c.Execs == nil {
			c.Execs = []profile.Exec{{Path: "/app"}}
		}
		if c.Opens == nil {
			c.Opens = []profile.Open{{Path: "/app"}}
		}
		return &profile.Profile{Spec: profile.Spec{Workload: bound, Containers: []profile.Container{c}}}
	}
	opens := func(path string) *profile.Profile {
		return with(profile.Container{Opens: []profile.Open{{Path: path}}})
	}
	execs := func(path string, args ...string) *profile.Profile {
		return with(profile.Container{Execs: []profile.Exec{{Path: path, Args: args}}})
	}
	only := func(c profile.Container) *profile.Profile {
		c.Name = "web"
		return &profile.Profile{Spec: profile.Spec{Workload: bound, Containers: []profile.Container{c}}}
	}
	allowance := only(profile.Container{Opens: []profile.Open{{Path: "/app"}}})
	allowance.Metadata.Labels = map[string]string{profile.AllowanceLabel: "true"}
	tests := map[string]struct {
		p    *profile.Profile
		want []string // fields
		says string   // in the first message
	}{
		"nothing": {p: with(profile.Container{Opens: []profile.Open{{Path: "/etc/hosts"}}, Capabilities: []string{"CHOWN"}})},
		"the world, one port": {p: with(profile.Container{Network: profile.Network{Egress: []profile.Neighbor{
			{Entities: []string{"world"}, Ports: []profile.Port{{Protocol: "TCP", Port: "443"}}},
		}}})},
		"the whole world": {p: with(profile.Container{Network: profile.Network{Egress: []profile.Neighbor{
			{Entities: []string{"world"}},
		}}}), want: []string{"spec.containers[0].network.egress[0].entities"}, says: "whole world"},
		"the whole world over TCP": {p: with(profile.Container{Network: profile.Network{Egress: []profile.Neighbor{
			{Entities: []string{"world"}, Ports: []profile.Port{{Protocol: "TCP"}}},
		}}}), want: []string{"spec.containers[0].network.egress[0].entities"}},
		"narrow pattern":          {p: opens("/var/lib/app/*")},
		"bare wildcard":           {p: opens("*"), want: []string{"spec.containers[0].opens[0].path"}, says: "any file"},
		"all wildcards":           {p: opens("/*"), want: []string{"spec.containers[0].opens[0].path"}, says: "any file"},
		"dynamic only":            {p: opens("/⋯/⋯"), want: []string{"spec.containers[0].opens[0].path"}, says: "any file"},
		"leading wildcard":        {p: opens("/*/Chart.yaml"), want: []string{"spec.containers[0].opens[0].path"}, says: "begins with"},
		"sensitive":               {p: opens("/etc/*"), want: []string{"spec.containers[0].opens[0].path"}, says: "/etc/shadow"},
		"any program":             {p: execs("/*/x"), want: []string{"spec.containers[0].execs[0].path"}, says: "such a program"},
		"shell":                   {p: execs("/bin/sh"), want: []string{"spec.containers[0].execs[0].args"}, says: "any code"},
		"shell with all":          {p: execs("/usr/bin/bash", "⋯⋯"), want: []string{"spec.containers[0].execs[0].args"}},
		"python with -c":          {p: execs("/usr/bin/python3.11", "python3", "-c", "⋯"), want: []string{"spec.containers[0].execs[0].args"}},
		"shell script":            {p: execs("/bin/sh", "/bin/sh", "/start.sh")},
		"fixed code":              {p: execs("/bin/sh", "/bin/sh", "-c", "exec nginx")},
		"star in a name":          {p: opens("/var/log/app*.log"), want: []string{"spec.containers[0].opens[0].path"}, says: "as it stands"},
		"dynamic in a name":       {p: opens("/etc/shad⋯"), want: []string{"spec.containers[0].opens[0].path"}, says: "takes in /etc/shadow"},
		"star in a program":       {p: execs("/usr/bin/python3*"), want: []string{"spec.containers[0].execs[0].path"}, says: "as it stands"},
		"template of an open":     {p: opens("/data/$values.tenant/x"), want: []string{"spec.containers[0].opens[0].path"}, says: "not rendered"},
		"template of a program":   {p: execs("/opt/{{ .Values.app }}"), want: []string{"spec.containers[0].execs[0].path"}, says: "not rendered"},
		"template of an image":    {p: with(profile.Container{Images: []string{"a:{{ .Values.tag }}"}}), want: []string{"spec.containers[0].images[0]"}, says: "not rendered"},
		"template of an endpoint": {p: with(profile.Container{Endpoints: []profile.Endpoint{{Endpoint: ":$values.port/"}}}), want: []string{"spec.containers[0].endpoints[0].endpoint"}, says: "not rendered"},
		"templates of a neighbor": {
			p:    with(profile.Container{Network: profile.Network{Egress: []profile.Neighbor{{DNSNames: []string{"$values.host"}, IPAddresses: []string{"$values.cidr"}}}}}),
			want: []string{"spec.containers[0].network.egress[0].dnsNames[0]", "spec.containers[0].network.egress[0].ipAddresses[0]"}, says: "not rendered",
		},
		"template of a kept address": {
			p:    with(profile.Container{Network: profile.Network{Ingress: []profile.Neighbor{{Kubescape: map[string]any{"ipAddresses": []any{"$values.cidr"}}}}}}),
			want: []string{"spec.containers[0].network.ingress[0].kubescape.ipAddresses"}, says: "not understood",
		},
		"template":   {p: execs("/x", "x", "$values.cidr"), want: []string{"spec.containers[0].execs[0].args[1]"}, says: "not rendered"},
		"syscall":    {p: with(profile.Container{Syscalls: map[string][]string{"amd64": {"ptrace", "read"}}}), want: []string{"spec.containers[0].syscalls.amd64[0]"}},
		"capability": {p: with(profile.Container{Capabilities: []string{"SYS_ADMIN"}}), want: []string{"spec.containers[0].capabilities[0]"}},
		"every address": {
			p:    with(profile.Container{Network: profile.Network{Egress: []profile.Neighbor{{IPAddresses: []string{"10.0.0.0/8", "0.0.0.0/0"}}}}}),
			want: []string{"spec.containers[0].network.egress[0].ipAddresses[1]"},
		},
		"no binding":   {p: &profile.Profile{}, want: []string{"spec.workload"}, says: "every namespace"},
		"no container": {p: &profile.Profile{Spec: profile.Spec{Workload: bound, Containers: []profile.Container{{}}}}, want: []string{"spec.containers[0].name", "spec.containers[0]"}},
		"allowance":    {p: allowance},
		"network only": {
			p:    only(profile.Container{Network: profile.Network{Egress: []profile.Neighbor{{DNSNames: []string{"a.example"}}}}}),
			want: []string{"spec.containers[0]"}, says: "guards nothing",
		},
		"executions only": {
			p:    only(profile.Container{Execs: []profile.Exec{{Path: "/app"}}}),
			want: []string{"spec.containers[0]"}, says: "lists no system calls and no opens: every one",
		},
		"section that is not spoken for": {
			p: &profile.Profile{Spec: profile.Spec{Workload: bound, Senses: []profile.Sense{profile.SenseOpens, profile.SenseNetwork}, Containers: []profile.Container{{
				Name: "web", Opens: []profile.Open{{Path: "/app"}}, Execs: []profile.Exec{{Path: "/app"}},
			}}}},
			want: []string{"spec.containers[0].execs"}, says: "spec.senses does not name it",
		},
		"section that is spoken for and empty": {
			p:    &profile.Profile{Spec: profile.Spec{Workload: bound, Senses: []profile.Sense{profile.SenseOpens}, Containers: []profile.Container{{Name: "web"}}}},
			want: []string{"spec.containers[0]"}, says: "lists no opens: every one",
		},
		"allowance that speaks": {
			p: &profile.Profile{
				Metadata: profile.Metadata{Labels: map[string]string{profile.AllowanceLabel: "true"}},
				Spec:     profile.Spec{Workload: bound, Senses: []profile.Sense{profile.SenseOpens}},
			},
			want: []string{"spec.senses"}, says: "has no effect",
		},
		"learning": {p: &profile.Profile{Spec: profile.Spec{Workload: bound, Provenance: profile.Provenance{Completeness: profile.Learning}}}, want: []string{"spec.provenance"}},
		"lost": {
			p:    &profile.Profile{Spec: profile.Spec{Workload: bound, Provenance: profile.Provenance{Completeness: profile.Partial, Lost: 3}}},
			want: []string{"spec.provenance", "spec.provenance"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			warnings := Warnings(tt.p)
			var got []string
			for _, w := range warnings {
				got = append(got, w.Field)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s\n%v", diff, warnings)
			}
			if len(warnings) > 0 && !strings.Contains(warnings[0].String(), tt.says) {
				t.Errorf("got %q, want it to say %q", warnings[0], tt.says)
			}
		})
	}
}
