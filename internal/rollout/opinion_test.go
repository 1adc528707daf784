package rollout

import (
	"errors"
	"testing"

	"bobwatch/internal/cluster"
	"bobwatch/internal/status"
)

func TestJudge(t *testing.T) {
	version := documentVersion{source: "configmap shop/webapp", name: "webapp", digest: "sha256:new"}
	gone := documentVersion{source: version.source}
	document := func(d status.Document) cluster.Report {
		d.Source = version.source
		return cluster.Report{Status: status.Status{Documents: []status.Document{{Source: "configmap shop/other", Name: "webapp"}, d}}}
	}
	tests := map[string]struct {
		version documentVersion
		report  cluster.Report
		want    opinion
	}{
		"in force":               {version, document(status.Document{Name: "webapp", Digest: "sha256:new", InForce: true}), taken},
		"an older one in force":  {version, document(status.Document{Name: "webapp", Digest: "sha256:old", InForce: true}), pending},
		"refused":                {version, document(status.Document{Name: "webapp", Digest: "sha256:new", Refused: "unsigned"}), refused},
		"refused, older one is":  {version, document(status.Document{Name: "webapp", Digest: "sha256:new", InForce: true, Refused: "unsigned"}), refused},
		"an older one refused":   {version, document(status.Document{Name: "webapp", Digest: "sha256:old", Refused: "unsigned"}), pending},
		"another of the map":     {version, document(status.Document{Name: "other", Digest: "sha256:new", InForce: true}), pending},
		"nothing known":          {version, cluster.Report{}, pending},
		"no answer":              {version, cluster.Report{Err: errors.New("timeout")}, pending},
		"gone":                   {gone, cluster.Report{}, taken},
		"not gone":               {gone, document(status.Document{Name: "webapp", Digest: "sha256:old", InForce: true}), pending},
		"nobody says it is gone": {gone, cluster.Report{Err: errors.New("timeout")}, pending},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.version.judge(&tt.report)
			if got.Opinion != tt.want {
				t.Errorf("judge() = %+v, want %s", got, tt.want)
			}
			if (got.Why == "") != (got.Opinion == taken) {
				t.Errorf("judge() = %+v, want a reason unless it is taken", got)
			}
		})
	}
}
