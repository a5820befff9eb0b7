{{- define "ratify.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "ratify.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 55 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 55 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "ratify.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ratify.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of the Pod of `helm test`, which must not be one of the Service's. */}}
{{- define "ratify.testLabels" -}}
app.kubernetes.io/name: {{ include "ratify.name" . | trunc 58 | trimSuffix "-" }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ratify.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "ratify.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "ratify.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "ratify.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "ratify.image" -}}
{{- $_ := required "image.repository must not be empty: build deploy/Dockerfile, push it, and say where it is" .Values.image.repository }}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{/* "true" where the program rotates its own certificates. */}}
{{- define "ratify.rotates" -}}
{{- if not (or .Values.provider.tls.disableCertRotation .Values.provider.tls.crt .Values.provider.tls.existingSecret) -}}true{{- end }}
{{- end }}

{{/* "true" where executors are resources. */}}
{{- define "ratify.controls" -}}
{{- if not .Values.provider.disableCRDManager -}}true{{- end }}
{{- end }}

{{/* "true" where the webhook's rules select namespaces by their labels. */}}
{{- define "ratify.looks" -}}
{{- if and (eq .Values.mode "webhook") (contains "namespaceSelector" (toJson .Values.webhook.rules)) -}}true{{- end }}
{{- end }}

{{/* "true" where the program asks the API server for anything. */}}
{{- define "ratify.asks" -}}
{{- if or (include "ratify.rotates" .) (include "ratify.controls" .) (include "ratify.looks" .) .Values.provider.pullSecrets.enabled -}}true{{- end }}
{{- end }}

{{- define "ratify.tlsSecretName" -}}
{{- default (printf "%s-tls" (include "ratify.fullname" .)) .Values.provider.tls.existingSecret }}
{{- end }}

{{/* The base64 of the authority for callers. Where the program rotates it and none is known yet, one that expired
     in 1970, so that no server is trusted: Gatekeeper accepts no Provider without one, and the program writes its own into it. */}}
{{- define "ratify.caBundle" -}}
{{- if .Values.provider.tls.caCert -}}
{{ .Values.provider.tls.caCert | b64enc }}
{{- else if include "ratify.rotates" . -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (include "ratify.tlsSecretName" .) | default dict -}}
{{- $known := index ($secret.data | default dict) "ca.crt" -}}
{{- if $known -}}{{ $known }}{{- else -}}{{ .Files.Get "files/placeholder-ca.pem" | b64enc }}{{- end -}}
{{- else if not (and (eq .Values.mode "webhook") .Values.webhook.annotations) -}}
{{ fail "provider.tls.caCert must not be empty where certificates are not rotated: callers trust no server without it" }}
{{- end }}
{{- end }}

{{/* Where the authority of clients comes from: values, Gatekeeper's Secret, or nowhere. */}}
{{- define "ratify.clientCA" -}}
{{- if eq .Values.mode "webhook" -}}{{ ternary "values" "none" (not (empty .Values.webhook.clientCA)) }}
{{- else if .Values.provider.clientCA.allowAnyClient -}}none
{{- else if .Values.provider.clientCA.cert -}}values
{{- else if eq .Release.Namespace .Values.gatekeeper.namespace -}}secret
{{- else -}}
{{ fail (printf "the chart is not in Gatekeeper's namespace %s, whose Secret it therefore cannot mount: set provider.clientCA.cert to Gatekeeper's authority, or provider.clientCA.allowAnyClient to serve every client" .Values.gatekeeper.namespace) }}
{{- end }}
{{- end }}

{{- define "ratify.excludedNamespaces" -}}
{{- $found := list .Values.gatekeeper.namespace "kube-system" .Release.Namespace }}
{{- concat $found .Values.provider.mutationExcludedNamespaces | uniq | toJson }}
{{- end }}

{{/* A mapping without its empty texts, lists and mappings; false and 0 stay. As JSON. */}}
{{- define "ratify.compact" -}}
{{- $found := dict }}
{{- range $name, $value := . }}
{{- if not (or (kindIs "invalid" $value) (and (or (kindIs "string" $value) (kindIs "slice" $value) (kindIs "map" $value)) (empty $value))) }}
{{- $_ := set $found $name $value }}
{{- end }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{/* azurekeyvault's parameters as JSON. Dict: source, list (certificates or keys). */}}
{{- define "ratify.keyVault" -}}
{{- $items := list }}
{{- range get .source .list }}
{{- $items = append $items (include "ratify.compact" . | fromJson) }}
{{- end }}
{{- include "ratify.compact" (merge (dict .list $items) (pick .source "vaultURL" "clientID" "tenantID")) }}
{{- end }}
