{{- define "bobwatch.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "bobwatch.selectorLabels" -}}
app.kubernetes.io/name: bobwatch
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: agent
{{- end -}}

{{- define "bobwatch.labels" -}}
{{ include "bobwatch.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "bobwatch.metadata" -}}
name: {{ include "bobwatch.fullname" . }}
namespace: {{ .Release.Namespace }}
labels: {{- include "bobwatch.labels" . | nindent 2 }}
{{- end -}}

{{- define "bobwatch.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "bobwatch.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "bobwatch.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The distribution: k3s, RKE2 and k0s tell by the API server's version. */}}
{{- define "bobwatch.distro" -}}
{{- $version := .Capabilities.KubeVersion.Version -}}
{{- if ne .Values.distro "auto" -}}{{ .Values.distro }}
{{- else if or (contains "+k3s" $version) (contains "+rke2" $version) -}}k3s
{{- else if contains "+k0s" $version -}}k0s
{{- else -}}standard
{{- end -}}
{{- end -}}

{{- define "bobwatch.socketDirectory" -}}
{{- $directories := dict
  "standard" "/run/containerd"
  "kind" "/run/containerd"
  "k3s" "/run/k3s/containerd"
  "k0s" "/run/k0s"
  "microk8s" "/var/snap/microk8s/common/run" -}}
{{- .Values.socketDirectory | default (get $directories (include "bobwatch.distro" .)) -}}
{{- end -}}

{{/* "true" or "" */}}
{{- define "bobwatch.pins" -}}
{{- if kindIs "bool" .Values.pins.enabled -}}
{{- ternary "true" "" .Values.pins.enabled -}}
{{- else if ne (include "bobwatch.distro" .) "kind" -}}true
{{- end -}}
{{- end -}}

{{/* The agent's configuration: what the chart sets, and over it .Values.config. */}}
{{- define "bobwatch.config" -}}
{{- $socket := printf "%s/containerd.sock" (include "bobwatch.socketDirectory" .) -}}
{{- $config := dict
  "kubernetes" (dict "enabled" true)
  "containerd" (dict "sockets" (list $socket))
  "alerts" (dict "output" "json")
  "http" (dict "listen" ":9464") -}}
{{- if not (include "bobwatch.pins" .) -}}
{{- $_ := set $config "sensor" (dict "pinPath" "") -}}
{{- end -}}
{{- if .Values.http.webConfigSecret -}}
{{- $_ := set $config.http "webConfig" "/etc/bobwatch/web/web.yaml" -}}
{{- end -}}
{{- if or .Values.trust.authorities .Values.trust.unsigned -}}
{{- $trust := pick .Values.trust "authorities" "unsigned" -}}
{{- $_ := set $config "profiles" (dict "trust" $trust) -}}
{{- end -}}
{{- $config = mergeOverwrite $config (deepCopy .Values.config) -}}
{{- if ne $config.http.listen ":9464" -}}
{{- fail "config.http.listen: the chart's probes and monitors expect :9464" -}}
{{- end -}}
{{- with .Values.alertmanager.urls -}}
{{- $sink := dict "name" "alertmanager" "severity" $.Values.alertmanager.severity "alertmanager" (dict "urls" .) -}}
{{- $_ := set $config.alerts "sinks" (append ($config.alerts.sinks | default list) $sink) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- define "bobwatch.probe" -}}
httpGet:
  path: {{ .path }}
  port: metrics
  {{- if .root.Values.http.tls }}
  scheme: HTTPS
  {{- end }}
  {{- with .root.Values.http.probeHeaders }}
  httpHeaders: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* How Prometheus scrapes the port, of a PodMonitor or ServiceMonitor. */}}
{{- define "bobwatch.endpoint" -}}
{{- $endpoint := dict "port" "metrics" "interval" .monitor.interval "honorLabels" true -}}
{{- if .root.Values.http.tls -}}
{{- $_ := set $endpoint "scheme" "https" -}}
{{- end -}}
{{- toYaml (list (mergeOverwrite $endpoint (deepCopy .monitor.endpoint))) -}}
{{- end -}}
