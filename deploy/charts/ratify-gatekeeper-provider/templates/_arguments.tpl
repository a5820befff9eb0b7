{{- define "ratify.port" -}}
{{- if eq .Values.mode "webhook" -}}9443{{- else -}}6001{{- end }}
{{- end }}

{{/* The program's arguments, as a JSON list. */}}
{{- define "ratify.arguments" -}}
{{- $own := include (printf "ratify.%sArguments" .Values.mode) . | fromJsonArray }}
{{- toJson (concat $own (include "ratify.sharedArguments" . | fromJsonArray) .Values.provider.extraArgs) }}
{{- end }}

{{- define "ratify.gatekeeperArguments" -}}
{{- $found := list "gatekeeper" "serve" }}
{{- $found = append $found (printf "--verify-timeout=%vs" .Values.provider.timeout.validationTimeoutSeconds) }}
{{- $found = append $found (printf "--mutate-timeout=%vs" .Values.provider.timeout.mutationTimeoutSeconds) }}
{{- $found = append $found (printf "--namespaces=%s" .Values.provider.namespaces) }}
{{- $found = append $found (printf "--max-keys=%v" .Values.provider.maxKeys) }}
{{- if .Values.provider.disableMutation }}{{ $found = append $found "--disable-mutation" }}{{ end }}
{{- if ne (include "ratify.clientCA" .) "none" }}
{{- $found = append $found "--gatekeeper-ca-cert-file=/usr/local/client-ca/ca.crt" }}
{{- else }}
{{- $found = append $found "--allow-any-client" }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{- define "ratify.webhookArguments" -}}
{{- $found := list "webhook" "serve" "--rules=/usr/local/rules/rules.yaml" (printf "--timeout=%vs" .Values.webhook.timeoutSeconds) }}
{{- $found = append $found (printf "--webhook-configuration=%s" (include "ratify.fullname" .)) }}
{{- if .Values.webhook.clientCA }}{{ $found = append $found "--client-ca-file=/usr/local/client-ca/ca.crt" }}{{ end }}
{{- toJson $found }}
{{- end }}

{{- define "ratify.sharedArguments" -}}
{{- $found := list (printf "--address=:%s" (include "ratify.port" .)) "--health-address=:9099" (printf "--log-level=%s" .Values.logger.level) (printf "--drain=%vs" .Values.drainSeconds) (printf "--verdict-lifetime=%s" .Values.cache.verdictLifetime) (printf "--workers=%v" .Values.workers) }}
{{- if not (include "ratify.rotates" .) }}
{{- $found = concat $found (list "--disable-cert-rotation" "--cert-file=/usr/local/tls/tls.crt" "--key-file=/usr/local/tls/tls.key") }}
{{- end }}
{{- if include "ratify.controls" . }}
{{- $found = concat $found (list (printf "--on-invalid-executor=%s" .Values.executor.onInvalid) (printf "--namespace-fallback=%s" .Values.executor.namespaceFallback)) }}
{{- range .Values.provider.tenantAllowedHosts }}{{ $found = append $found (printf "--tenant-allowed-host=%s" .) }}{{ end }}
{{- else }}
{{- $found = concat $found (list "--disable-crd-manager" "--config=/usr/local/config/config.json") }}
{{- end }}
{{- if .Values.provider.pullSecrets.enabled }}{{ $found = append $found "--pull-secrets" }}{{ end }}
{{- if .Values.metrics.enabled }}
{{- $found = concat $found (list "--enable-metrics" (printf "--metrics-port=%v" .Values.metrics.port)) }}
{{- end }}
{{- if .Values.tracing.enabled }}{{ $found = append $found "--enable-tracing" }}{{ end }}
{{- with .Values.cache.shared }}
{{- if .url }}
{{- $found = concat $found (list (printf "--shared-cache=%s" .url) "--shared-cache-key-file=/usr/local/shared-cache/key") }}
{{- if .password }}{{ $found = append $found "--shared-cache-password-file=/usr/local/shared-cache/password" }}{{ end }}
{{- if .ca }}{{ $found = append $found "--shared-cache-ca-file=/usr/local/shared-cache/ca.crt" }}{{ end }}
{{- end }}
{{- end }}
{{- toJson $found }}
{{- end }}
