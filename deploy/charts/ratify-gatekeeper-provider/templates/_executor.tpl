{{- define "ratify.notationConfigured" -}}
{{- if .Values.notation.certs -}}true{{- end }}
{{- end }}

{{- define "ratify.cosignProvider" -}}
{{- dig "keys" "provider" "" (.Values.cosign | default dict) }}
{{- end }}

{{- define "ratify.cosignConfigured" -}}
{{- $identity := or .Values.cosign.certificateIdentity .Values.cosign.certificateIdentityRegex }}
{{- $issuer := or .Values.cosign.certificateOIDCIssuer .Values.cosign.certificateOIDCIssuerRegex }}
{{- if or (include "ratify.cosignProvider" .) (and $identity $issuer) -}}true{{- end }}
{{- end }}

{{/* Whether any part of the program acts with an identity of Azure. */}}
{{- define "ratify.usesAzure" -}}
{{- $found := eq (include "ratify.cosignProvider" .) "azurekeyvault" }}
{{- range .Values.stores }}{{ if eq .credential.provider "azure" }}{{ $found = true }}{{ end }}{{ end }}
{{- range .Values.notation.certs }}{{ if eq .provider "azurekeyvault" }}{{ $found = true }}{{ end }}{{ end }}
{{- if $found -}}true{{- end }}
{{- end }}

{{- define "ratify.bindsIdentity" -}}
{{- $found := false }}
{{- range .Values.stores }}{{ if dig "identityBinding" "enabled" false .credential }}{{ $found = true }}{{ end }}{{ end }}
{{- if $found -}}true{{- end }}
{{- end }}

{{/* All executors, as the JSON of {"executors": [...]}. */}}
{{- define "ratify.executors" -}}
{{- if .Values.executors }}
{{- toJson (dict "executors" .Values.executors) }}
{{- else }}
{{- toJson (dict "executors" (list (include "ratify.executor" . | fromJson))) }}
{{- end }}
{{- end }}

{{- define "ratify.executor" -}}
{{- if not .Values.executor.scopes }}{{ fail "executor.scopes must not be empty" }}{{ end }}
{{- $verifiers := list }}
{{- $rules := list }}
{{- if include "ratify.notationConfigured" . }}
{{- $verifiers = append $verifiers (dict "name" "notation-1" "type" "notation" "parameters" (include "ratify.notation" . | fromJson)) }}
{{- $rules = append $rules (dict "verifierName" "notation-1") }}
{{- end }}
{{- if include "ratify.cosignConfigured" . }}
{{- $verifiers = append $verifiers (dict "name" "cosign-1" "type" "cosign" "parameters" (dict "trustPolicies" (list (include "ratify.cosign" . | fromJson)))) }}
{{- $rules = append $rules (dict "verifierName" "cosign-1") }}
{{- end }}
{{- if not $verifiers }}{{ fail "neither notation.certs nor cosign.keys nor a cosign identity with its issuer is set, so nothing could be verified" }}{{ end }}
{{- $stores := list }}
{{- range .Values.stores }}
{{- $stores = append $stores (include "ratify.store" (dict "store" . "cosign" (include "ratify.cosignConfigured" $)) | fromJson) }}
{{- end }}
{{- $policy := dict "type" "threshold-policy" "parameters" (dict "policy" (dict "threshold" 1 "rules" $rules)) }}
{{- toJson (dict "scopes" .Values.executor.scopes "concurrency" .Values.executor.concurrency "stores" $stores "verifiers" $verifiers "policyEnforcer" $policy) }}
{{- end }}

{{- define "ratify.store" -}}
{{- $parameters := include "ratify.compact" (pick .store "caPem" "caBase64") | fromJson }}
{{- if and .store.caPem .store.caBase64 }}{{ $parameters = omit $parameters "caBase64" }}{{ end }}
{{- if .store.plainHttp }}{{ $_ := set $parameters "plainHttp" true }}{{ end }}
{{- if .cosign }}{{ $_ := set $parameters "allowCosignTag" true }}{{ end }}
{{- $_ := set $parameters "credential" (include "ratify.compact" .store.credential | fromJson) }}
{{- $found := dict "type" "registry-store" "parameters" $parameters }}
{{- if .store.scopes }}{{ $_ := set $found "scopes" .store.scopes }}{{ end }}
{{- toJson $found }}
{{- end }}

{{- define "ratify.notation" -}}
{{- if not .Values.notation.trustedIdentities }}
{{- fail "notation.trustedIdentities must not be empty: name the signers, as \"x509.subject: C=US, ST=WA, O=example\", or [\"*\"] for all that the certificates vouch for" }}
{{- end }}
{{- $sources := dict }}
{{- $types := list }}
{{- range $index, $cert := .Values.notation.certs }}
{{- $type := default "ca" $cert.type }}
{{- if not (has $type $types) }}
{{- $types = append $types $type }}
{{- $_ := set $sources $type (dict "type" $type) }}
{{- end }}
{{- $source := get $sources $type }}
{{- if eq $cert.provider "inline" }}
{{- $before := dig "inline" "certs" "" $source }}
{{- $_ := set $source "inline" (dict "certs" (printf "%s%s\n" $before (trim (required "notation.certs[].cert must not be empty" $cert.cert)))) }}
{{- else if eq $cert.provider "files" }}
{{- $path := printf "/usr/local/notation/certs/%s" $type }}
{{- if $cert.secretName }}{{ $path = printf "/usr/local/notation/secrets/%s" $cert.secretName }}{{ end }}
{{- $_ := set $source "files" (append (get $source "files" | default list) $path | uniq) }}
{{- else if eq $cert.provider "kubernetes" }}
{{- if hasKey $source "kubernetes" }}{{ fail (printf "notation.certs names the provider kubernetes twice for the type %s" $type) }}{{ end }}
{{- $_ := set $source "kubernetes" (include "ratify.secretSource" $cert | fromJson) }}
{{- else if eq $cert.provider "azurekeyvault" }}
{{- if hasKey $source "azurekeyvault" }}{{ fail (printf "notation.certs names the provider azurekeyvault twice for the type %s" $type) }}{{ end }}
{{- $_ := set $source "azurekeyvault" (include "ratify.keyVault" (dict "source" $cert "list" "certificates") | fromJson) }}
{{- else }}
{{- fail (printf "Unsupported notation certificate provider: %s" $cert.provider) }}
{{- end }}
{{- end }}
{{- $certificates := list }}
{{- range $types }}{{ $certificates = append $certificates (get $sources .) }}{{ end }}
{{- $found := dict "trustedIdentities" .Values.notation.trustedIdentities "certificates" $certificates }}
{{- if .Values.notation.scopes }}{{ $_ := set $found "scopes" .Values.notation.scopes }}{{ end }}
{{- toJson $found }}
{{- end }}

{{/* A Secret as a key provider's parameters: a mapping with secret, key and namespace. */}}
{{- define "ratify.secretSource" -}}
{{- $_ := required "the provider kubernetes needs the name of a secret" .secret }}
{{- include "ratify.compact" (pick . "secret" "key" "namespace") }}
{{- end }}

{{/* The Secrets that the program reads through the API, as JSON: lists of their names by namespace. */}}
{{- define "ratify.secrets" -}}
{{- $sources := list }}
{{- if and (or .Values.executor.create (not (include "ratify.controls" .))) (not .Values.executors) }}
{{- $sources = concat (default list .Values.notation.certs) (list (default dict .Values.cosign.keys)) }}
{{- range .Values.stores }}{{ $sources = append $sources .credential }}{{ end }}
{{- end }}
{{- $found := dict }}
{{- range $source := $sources }}
{{- if eq (toString $source.provider) "kubernetes" }}
{{- $namespace := default $.Release.Namespace $source.namespace }}
{{- $_ := set $found $namespace (append (get $found $namespace | default list) $source.secret | uniq) }}
{{- end }}
{{- end }}
{{- if and $found (not (include "ratify.controls" .)) }}
{{ fail "the provider kubernetes is for Executor resources, and provider.disableCRDManager is set" }}
{{- end }}
{{- range .Values.rbac.readSecrets }}
{{- $_ := set $found .namespace (concat (get $found .namespace | default list) .names | uniq) }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{/* The files among the certificates, as JSON: "written", the Secret's file names by type, and "secrets", other Secrets' names. */}}
{{- define "ratify.notationFiles" -}}
{{- $written := dict }}
{{- $secrets := list }}
{{- range $index, $cert := .Values.notation.certs }}
{{- if and (eq $cert.provider "files") $cert.secretName }}
{{- $secrets = append $secrets $cert.secretName | uniq }}
{{- else if eq $cert.provider "files" }}
{{- $type := default "ca" $cert.type }}
{{- $_ := set $written $type (append (get $written $type | default list) (printf "ratify%d.crt" $index)) }}
{{- end }}
{{- end }}
{{- toJson (dict "written" $written "secrets" $secrets) }}
{{- end }}

{{/* Keys win over an identity, as in Ratify v2. */}}
{{- define "ratify.cosign" -}}
{{- $found := dict "ignoreTLog" .Values.cosign.ignoreTLog }}
{{- if .Values.cosign.scopes }}{{ $_ := set $found "scopes" .Values.cosign.scopes }}{{ end }}
{{- if .Values.cosign.ignoreObserverTimestamps }}{{ $_ := set $found "ignoreObserverTimestamps" true }}{{ end }}
{{- $provider := include "ratify.cosignProvider" . }}
{{- if not $provider }}
{{- $found = merge $found (include "ratify.compact" (pick .Values.cosign "certificateIdentity" "certificateIdentityRegex" "certificateOIDCIssuer" "certificateOIDCIssuerRegex") | fromJson) }}
{{- $_ := set $found "ignoreCTLog" .Values.cosign.ignoreCTLog }}
{{- else if eq $provider "inline" }}
{{- $_ := set $found "keys" (dict "inline" (dict "keys" (required "cosign.keys.key must not be empty" .Values.cosign.keys.key))) }}
{{- else if eq $provider "kubernetes" }}
{{- $_ := set $found "keys" (dict "kubernetes" (include "ratify.secretSource" .Values.cosign.keys | fromJson)) }}
{{- else if eq $provider "azurekeyvault" }}
{{- $_ := set $found "keys" (dict "azurekeyvault" (include "ratify.keyVault" (dict "source" .Values.cosign.keys "list" "keys") | fromJson)) }}
{{- else }}
{{- fail (printf "Unsupported cosign key provider: %s" $provider) }}
{{- end }}
{{- toJson $found }}
{{- end }}
