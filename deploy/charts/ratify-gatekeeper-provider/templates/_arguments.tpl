{{- define "ratify.port" -}}
{{- if eq .Values.mode "webhook" -}}9443{{- else -}}6001{{- end }}
{{- end }}

{{/* The program's arguments, as a JSON list. */}}
{{- define "ratify.arguments" -}}
{{- $found := list "gatekeeper" "serve" (printf "--address=:%s" (include "ratify.port" .)) "--health-address=:9099" }}
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
{{- toJson (concat $found (include "ratify.sharedArguments" . | fromJsonArray) .Values.provider.extraArgs) }}
{{- end }}

{{- define "ratify.sharedArguments" -}}
{{- $found := list (printf "--log-level=%s" .Values.logger.level) (printf "--drain=%vs" .Values.drainSeconds) }}
{{- if not (include "ratify.rotates" .) }}
{{- $found = concat $found (list "--disable-cert-rotation" "--cert-file=/usr/local/tls/tls.crt" "--key-file=/usr/local/tls/tls.key") }}
{{- end }}
{{- if not (include "ratify.controls" .) }}
{{- $found = concat $found (list "--disable-crd-manager" "--config=/usr/local/config/config.json") }}
{{- end }}
{{- if .Values.metrics.enabled }}
{{- $found = concat $found (list "--enable-metrics" (printf "--metrics-port=%v" .Values.metrics.port)) }}
{{- end }}
{{- toJson $found }}
{{- end }}
