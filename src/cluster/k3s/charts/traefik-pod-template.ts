/** What the pods of Traefik are, as a template of its chart: command line, ports, probes and volumes, as values want them. k3s: k3s-charts charts/traefik _podtemplate.tpl */
export const TRAEFIK_POD = `{{- define "traefik.pod" -}}
{{- $v := .Values -}}
metadata:
  annotations:
    {{- with $v.deployment.podAnnotations }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
    {{- if $v.metrics.prometheus }}
    prometheus.io/scrape: "true"
    prometheus.io/path: "/metrics"
    prometheus.io/port: {{ (index $v.ports $v.metrics.prometheus.entryPoint).port | quote }}
    {{- end }}
  labels:
    {{- include "traefik.labels" . | nindent 4 }}
    {{- with $v.deployment.podLabels }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
spec:
  {{- range $field := list "imagePullSecrets" "hostAliases" "initContainers" "dnsConfig" }}
  {{- with index $v.deployment $field }}
  {{ $field }}: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- range $field := list "dnsPolicy" "runtimeClassName" "shareProcessNamespace" }}
  {{- with index $v.deployment $field }}
  {{ $field }}: {{ . }}
  {{- end }}
  {{- end }}
  serviceAccountName: {{ include "traefik.account" . }}
  automountServiceAccountToken: true
  terminationGracePeriodSeconds: {{ default 60 $v.deployment.terminationGracePeriodSeconds }}
  hostNetwork: {{ $v.hostNetwork }}
  containers:
  - name: {{ include "traefik.fullname" . }}
    image: {{ include "traefik.image" . | quote }}
    imagePullPolicy: {{ $v.image.pullPolicy }}
    args: {{- include "traefik.args" . | fromYamlArray | toYaml | nindent 4 }}
    env:
    - name: POD_NAME
      valueFrom:
        fieldRef:
          fieldPath: metadata.name
    - name: POD_NAMESPACE
      valueFrom:
        fieldRef:
          fieldPath: metadata.namespace
    - name: USER
      value: traefik
    {{- with $v.env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with $v.envFrom }}
    envFrom: {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with $v.resources }}
    resources: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $v.securityContext }}
    securityContext: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $v.deployment.lifecycle }}
    lifecycle: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- if and (empty $v.ports.traefik) (empty $v.deployment.healthchecksPort) }}{{ fail "ERROR: When disabling traefik port, you need to specify \`deployment.healthchecksPort\`" }}{{ end }}
    {{- range $probe, $path := dict "readinessProbe" $v.deployment.readinessPath "livenessProbe" $v.deployment.livenessPath }}
    {{ $probe }}:
      httpGet:
        {{- with default ($v.ports.traefik).hostIP $v.deployment.healthchecksHost }}
        host: {{ . }}
        {{- end }}
        path: {{ default "/ping" $path }}
        port: {{ default ($v.ports.traefik).port $v.deployment.healthchecksPort }}
        scheme: {{ default "HTTP" $v.deployment.healthchecksScheme }}
      {{- toYaml (index $v $probe) | nindent 6 }}
    {{- end }}
    {{- with $v.startupProbe }}
    startupProbe: {{- toYaml . | nindent 6 }}
    {{- end }}
    ports:
    {{- range $name, $port := $v.ports }}
    {{- if $port }}
    {{- if and $v.hostNetwork $port.hostPort (ne (int $port.hostPort) (int $port.port)) }}{{ fail "ERROR: All hostPort must match their respective containerPort when \`hostNetwork\` is enabled" }}{{ end }}
    - name: {{ include "traefik.portname" $name }}
      containerPort: {{ default $port.port $port.containerPort }}
      protocol: {{ default "TCP" $port.protocol }}
      {{- with $port.hostPort }}
      hostPort: {{ . }}
      {{- end }}
      {{- with $port.hostIP }}
      hostIP: {{ . }}
      {{- end }}
    {{- end }}
    {{- end }}
    volumeMounts:
    - name: {{ $v.persistence.name }}
      mountPath: {{ $v.persistence.path }}
      {{- with $v.persistence.subPath }}
      subPath: {{ . }}
      {{- end }}
    - name: tmp
      mountPath: /tmp
    {{- range $v.volumes }}
    - name: {{ tpl .name $ | replace "." "-" }}
      mountPath: {{ .mountPath }}
      readOnly: true
    {{- end }}
    {{- with $v.additionalVolumeMounts }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  {{- with $v.deployment.additionalContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  volumes:
  - name: {{ $v.persistence.name }}
    {{- if $v.persistence.enabled }}
    persistentVolumeClaim:
      claimName: {{ default (include "traefik.fullname" .) $v.persistence.existingClaim }}
    {{- else }}
    emptyDir: {}
    {{- end }}
  - name: tmp
    emptyDir: {}
  {{- range $v.volumes }}
  - name: {{ tpl .name $ | replace "." "-" }}
    {{- if eq .type "secret" }}
    secret:
      secretName: {{ tpl .name $ }}
    {{- else if eq .type "configMap" }}
    configMap:
      name: {{ tpl .name $ }}
    {{- end }}
  {{- end }}
  {{- with $v.deployment.additionalVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- range $field, $value := dict "affinity" $v.affinity "topologySpreadConstraints" $v.topologySpreadConstraints "tolerations" $v.tolerations "nodeSelector" $v.nodeSelector "securityContext" $v.podSecurityContext }}
  {{- with $value }}
  {{ $field }}: {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with $v.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
{{- end }}

{{/* The command line, one argument a line. */}}
{{- define "traefik.args" }}
{{- $v := .Values }}
{{- if not $v.global.checkNewVersion }}
- "--global.checkNewVersion=false"
{{- end }}
{{- if $v.global.sendAnonymousUsage }}
- "--global.sendAnonymousUsage"
{{- end }}
{{- range $name, $port := $v.ports }}
{{- if $port }}
- "--entryPoints.{{ $name }}.address={{ $port.hostIP }}:{{ $port.port }}/{{ default "tcp" $port.protocol | lower }}"
{{- with $port.asDefault }}
- "--entryPoints.{{ $name }}.asDefault={{ . }}"
{{- end }}
{{- include "traefik.settings" (dict "path" (printf "entryPoints.%s.observability" $name) "of" $port.observability) }}
{{- end }}
{{- end }}
{{- include "traefik.settings" (dict "path" "api" "of" (empty $v.api.basePath | ternary (omit $v.api "basePath") $v.api)) }}
- "--ping=true"
{{- with $v.core.defaultRuleSyntax }}
- "--core.defaultRuleSyntax={{ . }}"
{{- end }}
{{- if $v.metrics.addInternals }}
- "--metrics.addinternals"
{{- end }}
{{- with $v.metrics.prometheus }}
- "--metrics.prometheus=true"
- "--metrics.prometheus.entrypoint={{ .entryPoint }}"
{{- include "traefik.settings" (dict "path" "metrics.prometheus" "of" (pick . "addRoutersLabels" "addEntryPointsLabels" "addServicesLabels" "buckets")) }}
{{- if .manualRouting }}
- "--metrics.prometheus.manualrouting=true"
{{- end }}
{{- include "traefik.settings" (dict "path" "metrics.prometheus.headerlabels" "of" .headerLabels) }}
{{- end }}
{{- if $v.tracing.addInternals }}
- "--tracing.addinternals"
{{- end }}
{{- include "traefik.settings" (dict "path" "tracing" "of" (omit $v.tracing "otlp" "addInternals")) }}
{{- range $name := list "fastProxy" "otlpLogs" "abortOnPluginFailure" }}
{{- $value := index $v.experimental $name }}
{{- if kindIs "map" $value }}{{ $value = $value.enabled }}{{ end }}
{{- if $value }}
- "--experimental.{{ $name }}"
{{- end }}
{{- end }}
{{- with $provider := $v.providers.kubernetesCRD }}
{{- if .enabled }}
- "--providers.kubernetescrd"
{{- range $field := list "labelSelector" "ingressClass" }}
{{- include "traefik.settings" (dict "path" "providers.kubernetescrd" "of" (pick $provider $field)) }}
{{- end }}
{{- include "traefik.truths" (dict "path" "providers.kubernetescrd" "of" (pick . "allowCrossNamespace" "allowExternalNameServices" "nativeLBByDefault")) }}
{{- if ne .allowEmptyServices nil }}
- "--providers.kubernetescrd.allowEmptyServices={{ .allowEmptyServices }}"
{{- end }}
{{- if $v.rbac.namespaced }}
- "--providers.kubernetescrd.disableClusterScopeResources=true"
{{- end }}
{{- end }}
{{- end }}
{{- with $provider := $v.providers.kubernetesIngress }}
{{- if .enabled }}
- "--providers.kubernetesingress"
{{- include "traefik.truths" (dict "path" "providers.kubernetesingress" "of" (pick . "allowExternalNameServices" "nativeLBByDefault" "strictPrefixMatching")) }}
{{- if ne .allowEmptyServices nil }}
- "--providers.kubernetesingress.allowEmptyServices={{ .allowEmptyServices }}"
{{- end }}
{{- if and .publishedService.enabled (or $v.service.enabled .publishedService.pathOverride) }}
- "--providers.kubernetesingress.ingressendpoint.publishedservice={{ default (printf "%s/%s" (include "traefik.namespace" $) (include "traefik.fullname" $)) .publishedService.pathOverride }}"
{{- end }}
{{- range $field := list "labelSelector" "ingressClass" }}
{{- include "traefik.settings" (dict "path" "providers.kubernetesingress" "of" (pick $provider $field)) }}
{{- end }}
{{- if $v.rbac.namespaced }}
- "--providers.kubernetesingress.disableClusterScopeResources=true"
{{- end }}
{{- end }}
{{- end }}
{{- if $v.experimental.kubernetesGateway.enabled }}
- "--experimental.kubernetesgateway"
{{- end }}
{{- if $v.experimental.knative }}
- "--experimental.knative"
{{- end }}
{{- with $v.providers.kubernetesCRD }}
{{- with and .enabled (include "traefik.namespaces" (dict "root" $ "namespaces" .namespaces)) }}
- "--providers.kubernetescrd.namespaces={{ . }}"
{{- end }}
{{- end }}
{{- with $v.providers.kubernetesGateway }}
{{- if .enabled }}
- "--providers.kubernetesgateway"
{{- include "traefik.settings" (dict "path" "providers.kubernetesgateway.statusaddress" "of" (pick .statusAddress "ip" "hostname")) }}
{{- if and .statusAddress.service.enabled $v.service.enabled }}
- "--providers.kubernetesgateway.statusaddress.service.name={{ default (include "traefik.fullname" $) .statusAddress.service.name }}"
- "--providers.kubernetesgateway.statusaddress.service.namespace={{ default (include "traefik.namespace" $) .statusAddress.service.namespace }}"
{{- end }}
{{- include "traefik.truths" (dict "path" "providers.kubernetesgateway" "of" (dict "nativeLBByDefault" .nativeLBByDefault)) }}
{{- with include "traefik.namespaces" (dict "root" $ "namespaces" .namespaces) }}
- "--providers.kubernetesgateway.namespaces={{ . }}"
{{- end }}
{{- if .experimentalChannel }}
- "--providers.kubernetesgateway.experimentalchannel=true"
{{- end }}
{{- with .labelSelector }}
- "--providers.kubernetesgateway.labelSelector={{ . }}"
{{- end }}
{{- end }}
{{- end }}
{{- with $v.providers.kubernetesIngress }}
{{- with and .enabled (include "traefik.namespaces" (dict "root" $ "namespaces" .namespaces)) }}
- "--providers.kubernetesingress.namespaces={{ . }}"
{{- end }}
{{- end }}
{{- if $v.providers.kubernetesIngressNginx.enabled }}
- "--providers.kubernetesingressnginx"
{{- end }}
{{- range $name, $port := $v.ports }}
{{- if $port }}
{{- $path := printf "entryPoints.%s" $name }}
{{- with $port.http }}
{{- with .maxHeaderBytes }}
- "--{{ $path }}.http.maxHeaderBytes={{ int64 . }}"
{{- end }}
{{- with .middlewares }}
- "--{{ $path }}.http.middlewares={{ join "," . }}"
{{- end }}
{{- include "traefik.settings" (dict "path" (printf "%s.http.encodedCharacters" $path) "of" .encodedCharacters) }}
{{- with (.redirections).entryPoint }}
{{- if .to }}
{{- $to := index $v.ports .to }}
{{- if not $to }}{{ fail (printf "ERROR: Cannot redirect %s to %s: entryPoint not found" $name .to) }}{{ end }}
- "--{{ $path }}.http.redirections.entryPoint.to=:{{ $to.exposedPort }}"
{{- include "traefik.settings" (dict "path" (printf "%s.http.redirections.entryPoint" $path) "of" (omit . "to" "permanent")) }}
{{- if .permanent }}
- "--{{ $path }}.http.redirections.entryPoint.permanent=true"
{{- end }}
{{- end }}
{{- end }}
{{- if and (hasKey . "sanitizePath") (ne .sanitizePath nil) }}
- "--{{ $path }}.http.sanitizePath={{ .sanitizePath }}"
{{- end }}
{{- with .tls }}
{{- if .enabled }}
- "--{{ $path }}.http.tls=true"
{{- include "traefik.settings" (dict "path" (printf "%s.http.tls" $path) "of" (pick . "options")) }}
{{- include "traefik.settings" (dict "path" (printf "%s.http.tls" $path) "of" (pick . "certResolver")) }}
{{- range $i, $domain := .domains }}
- "--{{ $path }}.http.tls.domains[{{ $i }}].main={{ $domain.main }}"
{{- with $domain.sans }}
- "--{{ $path }}.http.tls.domains[{{ $i }}].sans={{ join "," . }}"
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if ($port.http3).enabled }}
- "--{{ $path }}.http3"
{{- end }}
{{- if $port.allowACMEByPass }}
- "--{{ $path }}.allowACMEByPass=true"
{{- end }}
{{- range $kind := list "forwardedHeaders" "proxyProtocol" }}
{{- with index $port $kind }}
{{- with .trustedIPs }}
- "--{{ $path }}.{{ $kind }}.trustedIPs={{ join "," . }}"
{{- end }}
{{- if .insecure }}
- "--{{ $path }}.{{ $kind }}.insecure"
{{- end }}
{{- end }}
{{- end }}
{{- include "traefik.settings" (dict "path" (printf "%s.transport" $path) "of" $port.transport) }}
{{- end }}
{{- end }}
{{- with $v.logs.general }}
{{- include "traefik.settings" (dict "path" "log" "of" (pick . "format" "filePath")) }}
{{- if .noColor }}
- "--log.noColor=true"
{{- end }}
{{- with .level }}
- "--log.level={{ . | upper }}"
{{- end }}
{{- end }}
{{- with $v.logs.access }}
{{- if .enabled }}
- "--accesslog=true"
{{- include "traefik.settings" (dict "path" "accesslog" "of" (dict "format" .format "filepath" .filePath "bufferingsize" .bufferingSize)) }}
{{- if .addInternals }}
- "--accesslog.addinternals"
{{- end }}
{{- with .filters }}
{{- include "traefik.settings" (dict "path" "accesslog.filters" "of" (pick . "statuscodes" "minduration")) }}
{{- if .retryattempts }}
- "--accesslog.filters.retryattempts"
{{- end }}
{{- end }}
- "--accesslog.fields.defaultmode={{ .fields.general.defaultmode }}"
{{- include "traefik.settings" (dict "path" "accesslog.fields.names" "of" .fields.general.names) }}
- "--accesslog.fields.headers.defaultmode={{ .fields.headers.defaultmode }}"
{{- include "traefik.settings" (dict "path" "accesslog.fields.headers.names" "of" .fields.headers.names) }}
{{- end }}
{{- end }}
{{- range $name, $resolver := $v.certificatesResolvers }}
{{- include "traefik.settings" (dict "path" (printf "certificatesresolvers.%s" $name) "of" $resolver) }}
{{- end }}
{{- range $v.additionalArguments }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{/* An argument for each value that is set, however deep it lies. */}}
{{- define "traefik.settings" }}
{{- $path := .path }}
{{- range $name, $value := .of }}
{{- if kindIs "map" $value }}
{{- include "traefik.settings" (dict "path" (printf "%s.%s" $path $name) "of" $value) }}
{{- else if or (kindIs "bool" $value) (not (empty $value)) }}
- "--{{ $path }}.{{ $name }}={{ kindIs "slice" $value | ternary (join "," $value) $value }}"
{{- end }}
{{- end }}
{{- end }}

{{/* An argument for each value that is true. */}}
{{- define "traefik.truths" }}
{{- $path := .path }}
{{- range $name, $value := .of }}
{{- if $value }}
- "--{{ $path }}.{{ $name }}=true"
{{- end }}
{{- end }}
{{- end }}
`
