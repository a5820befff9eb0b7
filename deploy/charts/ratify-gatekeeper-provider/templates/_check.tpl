{{/* Refuses values that say something which nothing would follow. */}}
{{- define "ratify.check" -}}
{{- with .Values.global }}
{{- fail (printf "global.%s is not read by this chart: use its own values, as image.repository, imagePullSecrets and commonLabels" (keys . | sortAlpha | first)) }}
{{- end }}
{{- if not .Values.metrics.enabled }}
{{- range list "serviceMonitor" "prometheusRule" }}
{{- if dig . "enabled" false $.Values.metrics }}
{{- fail (printf "metrics.%s.enabled has no effect without metrics: set metrics.enabled" .) }}
{{- end }}
{{- end }}
{{- if .Values.networkPolicy.metricsFrom }}{{ fail "networkPolicy.metricsFrom has no effect without metrics: set metrics.enabled" }}{{ end }}
{{- end }}
{{- include "ratify.checkSwitches" . }}
{{- include "ratify.checkMode" . }}
{{- if and .Values.networkPolicy.from (eq .Values.mode "webhook") }}
{{- fail "networkPolicy.from has no effect with mode: webhook: where the API server asks from, networks differ in, so everything may" }}
{{- end }}
{{- if include "ratify.controls" . }}
{{- if .Values.provider.existingConfig }}{{ fail "provider.existingConfig has no effect where executors are resources: set provider.disableCRDManager" }}{{ end }}
{{- else }}
{{- if .Values.provider.tenantAllowedHosts }}
{{- fail "provider.tenantAllowedHosts has no effect with provider.disableCRDManager: there are no executors of namespaces" }}
{{- end }}
{{- if .Values.rbac.readSecrets }}
{{- fail "rbac.readSecrets has no effect with provider.disableCRDManager: there are no executors of namespaces" }}
{{- end }}
{{- end }}
{{- if and .Values.provider.tls.existingSecret (or .Values.provider.tls.crt .Values.provider.tls.key) }}
{{- fail "provider.tls.crt and provider.tls.key have no effect with provider.tls.existingSecret: remove them, or existingSecret" }}
{{- end }}
{{- if and (not .Values.cache.shared.url) (or .Values.cache.shared.secretName .Values.cache.shared.password .Values.cache.shared.ca) }}
{{- fail "cache.shared has no effect without a url: set cache.shared.url" }}
{{- end }}
{{- include "ratify.checkVerifiers" . }}
{{- include "ratify.checkScopes" (dict "path" "executor.scopes" "scopes" .Values.executor.scopes) }}
{{- include "ratify.checkScopes" (dict "path" "notation.scopes" "scopes" .Values.notation.scopes) }}
{{- include "ratify.checkScopes" (dict "path" "cosign.scopes" "scopes" .Values.cosign.scopes) }}
{{- range $index, $store := .Values.stores }}
{{- include "ratify.checkScopes" (dict "path" (printf "stores[%d].scopes" $index) "scopes" $store.scopes) }}
{{- end }}
{{- range $index, $executor := .Values.executors }}
{{- include "ratify.checkScopes" (dict "path" (printf "executors[%d].scopes" $index) "scopes" $executor.scopes) }}
{{- range $number, $store := $executor.stores }}
{{- include "ratify.checkScopes" (dict "path" (printf "executors[%d].stores[%d].scopes" $index $number) "scopes" $store.scopes) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Dict: path, scopes. As the engine reads them: a repository, a prefix of repositories, a registry with a dot or a port, a zone, or *. */}}
{{- define "ratify.checkScopes" -}}
{{- $label := "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?" }}
{{- $part := "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*" }}
{{- $port := ":[1-9][0-9]{0,4}" }}
{{- $registry := printf "(?:(?:localhost|%s(?:\\.%s)+|\\[[0-9a-f:]+\\])(?:%s)?|%s%s)" $label $label $port $label $port }}
{{- $pattern := printf "^(?:\\*|\\*\\.%s(?:\\.%s)*(?:%s)?|%s(?:/%s(?:/%s)*(?:/\\*)?)?)$" $label $label $port $registry $part $part }}
{{- range .scopes }}
{{- if not (regexMatch $pattern .) }}
{{- fail (printf "%s: %q is no scope: write a repository as registry.example.com/team/app, a prefix as registry.example.com/team/*, a registry, a zone as *.example.com, or *" $.path .) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Values of something that is switched off. Only those with an empty default can be told from one that was not set. */}}
{{- define "ratify.checkSwitches" -}}
{{- range list
  (list "networkPolicy" .Values.networkPolicy "enabled" "from" "metricsFrom" "egress")
  (list "podDisruptionBudget" .Values.podDisruptionBudget "enabled" "minAvailable")
  (list "metrics.serviceMonitor" .Values.metrics.serviceMonitor "enabled" "labels" "scrapeTimeout")
  (list "metrics.prometheusRule" .Values.metrics.prometheusRule "enabled" "labels" "additionalRules")
  (list "constraintTemplates" .Values.constraintTemplates "enabled" "namespaced")
  (list "serviceAccount" .Values.serviceAccount "create" "annotations")
  (list "rbac" .Values.rbac "create" "readSecrets")
  (list "provider.pullSecrets" .Values.provider.pullSecrets "enabled" "namespaces")
}}
{{- $path := index . 0 }}
{{- $values := index . 1 }}
{{- $switch := index . 2 }}
{{- if not (get $values $switch) }}
{{- range slice . 3 }}
{{- if get $values . }}{{ fail (printf "%s.%s has no effect without %s.%s: set that, or remove the value" $path . $path $switch) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* What is for the other mode, and what takes the sense of something else away. */}}
{{- define "ratify.checkMode" -}}
{{- if eq .Values.mode "webhook" }}
{{- if .Values.provider.clientCA.cert }}{{ fail "provider.clientCA.cert has no effect with mode: webhook: set webhook.clientCA" }}{{ end }}
{{- if .Values.constraintTemplates.enabled }}{{ fail "constraintTemplates.enabled has no effect with mode: webhook: the templates are for Gatekeeper" }}{{ end }}
{{- if .Values.provider.mutationExcludedNamespaces }}{{ fail "provider.mutationExcludedNamespaces has no effect with mode: webhook: set webhook.excludedNamespaces" }}{{ end }}
{{- else }}
{{- if and .Values.provider.pullSecrets.enabled (ne .Values.provider.namespaces "required") }}
{{- fail "provider.pullSecrets.enabled needs provider.namespaces: required, and the multi-tenancy template: otherwise the author of a Pod chooses whose Secrets are read" }}
{{- end }}
{{- range list "clientCA" "annotations" "excludedNamespaces" "namespaceSelector" }}
{{- if get $.Values.webhook . }}{{ fail (printf "webhook.%s has no effect with mode: gatekeeper" .) }}{{ end }}
{{- end }}
{{- if and .Values.provider.clientCA.cert .Values.provider.clientCA.allowAnyClient }}
{{- fail "provider.clientCA.cert has no effect with provider.clientCA.allowAnyClient: leave out one of the two" }}
{{- end }}
{{- if and .Values.provider.disableMutation .Values.provider.mutationExcludedNamespaces }}
{{- fail "provider.mutationExcludedNamespaces has no effect with provider.disableMutation" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Dict: path, source, fields (by provider). Empty values are no values. */}}
{{- define "ratify.checkSource" -}}
{{- $own := get .fields (toString .source.provider) }}
{{- range $name, $value := omit .source "provider" "type" }}
{{- if and $own $value (not (has $name $own)) }}
{{- fail (printf "%s.%s has no effect with the provider %s, which reads %s" $.path $name $.source.provider (join ", " $own)) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Half a verifier beside a whole one would go unseen; by itself it is refused where the executor is made. */}}
{{- define "ratify.checkVerifiers" -}}
{{- $secret := list "secret" "key" "namespace" }}
{{- $vault := list "vaultURL" "clientID" "tenantID" }}
{{- range $index, $cert := .Values.notation.certs }}
{{- $fields := dict "inline" (list "cert") "files" (list "cert" "secretName") "kubernetes" $secret "azurekeyvault" (append $vault "certificates") }}
{{- include "ratify.checkSource" (dict "path" (printf "notation.certs[%d]" $index) "source" $cert "fields" $fields) }}
{{- if and (eq $cert.provider "files") $cert.cert $cert.secretName }}
{{- fail (printf "notation.certs[%d].cert has no effect beside secretName: write two entries" $index) }}
{{- end }}
{{- end }}
{{- with .Values.cosign.keys }}
{{- $fields := dict "inline" (list "key") "kubernetes" $secret "azurekeyvault" (append $vault "keys") }}
{{- include "ratify.checkSource" (dict "path" "cosign.keys" "source" . "fields" $fields) }}
{{- end }}
{{- $notation := include "ratify.notationConfigured" . }}
{{- $cosign := include "ratify.cosignConfigured" . }}
{{- if and $cosign (not $notation) (or .Values.notation.trustedIdentities .Values.notation.scopes) }}
{{- fail "notation.trustedIdentities and notation.scopes have no effect without certificates: set notation.certs" }}
{{- end }}
{{- if and $notation (not $cosign) }}
{{- range list "scopes" "certificateIdentity" "certificateIdentityRegex" "certificateOIDCIssuer" "certificateOIDCIssuerRegex" }}
{{- if get $.Values.cosign . }}
{{- fail (printf "cosign.%s has no effect by itself: set cosign.keys, or an identity together with its issuer" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
