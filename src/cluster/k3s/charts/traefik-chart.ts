import { TRAEFIK_POD } from './traefik-pod-template.ts'
import { TRAEFIK_VALUES } from './traefik-values.ts'
import { TRAEFIK_CHART_VERSION } from '../static-files.ts'

/**
 * The files of k3s' chart of Traefik, by path. Values, names of objects and what the templates make of values are those of the original, as far as
 * Traefik is here; values for what isn't end the installation with a message. k3s: k3s-charts charts/traefik
 */
export const TRAEFIK_CHART: Readonly<Record<string, string>> = {
  'Chart.yaml': `apiVersion: v2
name: traefik
version: ${TRAEFIK_CHART_VERSION}
appVersion: v3.6.12
description: A Traefik based Kubernetes ingress controller
home: https://traefik.io/
type: application
kubeVersion: '>=1.22.0-0'
keywords: [traefik, ingress, networking]
sources:
- https://github.com/traefik/traefik-helm-chart
- https://github.com/traefik/traefik
annotations:
  fleet.cattle.io/bundle-id: k3s
`,
  'values.yaml': TRAEFIK_VALUES,
  'templates/_names.tpl': `{{- define "traefik.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "traefik.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{ default $full .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "traefik.namespace" -}}
{{ default .Release.Namespace .Values.namespaceOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "traefik.selector" -}}
app.kubernetes.io/name: {{ include "traefik.name" . }}
app.kubernetes.io/instance: {{ default (printf "%s-%s" .Release.Name (include "traefik.namespace" .)) .Values.instanceLabelOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "traefik.labels" -}}
{{ include "traefik.selector" . }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "traefik.account" -}}
{{ default (include "traefik.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "traefik.role" -}}
{{ printf "%s-%s" (include "traefik.fullname" .) (include "traefik.namespace" .) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* A name that a port of a pod may have. */}}
{{- define "traefik.portname" -}}
{{ . | lower | trimPrefix "-" | trunc 15 | trimSuffix "-" }}
{{- end }}

{{- define "traefik.image" -}}
{{ with .Values.global.systemDefaultRegistry }}{{ . }}/{{ end }}{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}

{{/* Whose objects a provider looks at: those of the namespaces that it is told, or of its own where its rights end there. */}}
{{- define "traefik.namespaces" -}}
{{- $own := .root.Values.rbac.namespaced | ternary (include "traefik.namespace" .root) "" -}}
{{ default $own (join "," .namespaces) }}
{{- end }}
`,
  'templates/_pod.tpl': TRAEFIK_POD,
  'templates/requirements.yaml': `{{- $v := .Values -}}
{{- if and $v.providers.kubernetesGateway.enabled $v.rbac.namespaced }}{{ fail "ERROR: Kubernetes Gateway provider requires ClusterRole. RBAC cannot be namespaced." }}{{ end -}}
{{- if and $v.rbac.namespaced (not $v.providers.kubernetesIngress.enabled) (not $v.providers.kubernetesCRD.enabled) }}{{ fail "ERROR: namespaced rbac requires Kubernetes CRD or Kubernetes Ingress provider." }}{{ end -}}
{{- if and $v.providers.kubernetesGateway.enabled $v.gateway.defaultScope (not $v.providers.kubernetesGateway.experimentalChannel) }}{{ fail "ERROR: The Gateway 'defaultScope' field is experimental. Enable it by setting providers.kubernetesGateway.experimentalChannel=true" }}{{ end -}}
{{- if and $v.ingressRoute.dashboard.enabled (not $v.api.dashboard) }}{{ fail "ERROR: Cannot create an IngressRoute for the dashboard without enabling api.dashboard" }}{{ end -}}
{{- $elsewhere := dict "hub.token" $v.hub.token "oci_meta.enabled" $v.oci_meta.enabled "global.azure.enabled" $v.global.azure.enabled "providers.knative.enabled" $v.providers.knative.enabled "providers.file.enabled" $v.providers.file.enabled "experimental.plugins" $v.experimental.plugins "experimental.localPlugins" $v.experimental.localPlugins "metrics.prometheus.serviceMonitor.enabled" (($v.metrics.prometheus).serviceMonitor).enabled "metrics.prometheus.prometheusRule.enabled" (($v.metrics.prometheus).prometheusRule).enabled "metrics.otlp.enabled" $v.metrics.otlp.enabled "tracing.otlp.enabled" $v.tracing.otlp.enabled "logs.general.otlp.enabled" $v.logs.general.otlp.enabled "logs.access.otlp.enabled" $v.logs.access.otlp.enabled "ocsp.enabled" $v.ocsp.enabled -}}
{{- range $name, $value := $elsewhere }}{{ if $value }}{{ fail (printf "ERROR: %s is not supported by this build of the chart" $name) }}{{ end }}{{ end -}}
`,
  'templates/deployment.yaml': `{{- if and .Values.deployment.enabled (eq .Values.deployment.kind "Deployment") }}
{{- if eq (default .Chart.AppVersion .Values.image.tag) "latest" }}{{ fail "ERROR: version \\"latest\\" is not supported" }}{{ end }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "traefik.fullname" . }}
  namespace: {{ include "traefik.namespace" . }}
  labels:
    {{- include "traefik.labels" . | nindent 4 }}
    {{- with .Values.deployment.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.deployment.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ default 1 .Values.deployment.replicas }}
  {{- end }}
  {{- if ne .Values.deployment.revisionHistoryLimit nil }}
  revisionHistoryLimit: {{ .Values.deployment.revisionHistoryLimit }}
  {{- end }}
  minReadySeconds: {{ .Values.deployment.minReadySeconds }}
  selector:
    matchLabels: {{- include "traefik.selector" . | nindent 6 }}
  {{- with .Values.updateStrategy }}
  strategy:
    type: {{ .type }}
    {{- if eq .type "RollingUpdate" }}
    rollingUpdate:
      maxUnavailable: {{ .rollingUpdate.maxUnavailable }}
      maxSurge: {{ .rollingUpdate.maxSurge }}
    {{- end }}
  {{- end }}
  template: {{- include "traefik.pod" . | nindent 4 }}
{{- end }}
`,
  'templates/daemonset.yaml': `{{- if and .Values.deployment.enabled (eq .Values.deployment.kind "DaemonSet") }}
{{- with .Values.updateStrategy }}
{{- if and (eq .type "RollingUpdate") (eq (toString .rollingUpdate.maxUnavailable) "0") (eq (toString .rollingUpdate.maxSurge) "0") }}{{ fail "maxUnavailable should be greater than 0 when using DaemonSet without maxSurge" }}{{ end }}
{{- if and $.Values.hostNetwork (eq .type "RollingUpdate") (eq (toString .rollingUpdate.maxUnavailable) "0") }}{{ fail "maxUnavailable should be greater than 1 when using hostNetwork" }}{{ end }}
{{- end }}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {{ include "traefik.fullname" . }}
  namespace: {{ include "traefik.namespace" . }}
  labels:
    {{- include "traefik.labels" . | nindent 4 }}
    {{- with .Values.deployment.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.deployment.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if ne .Values.deployment.revisionHistoryLimit nil }}
  revisionHistoryLimit: {{ .Values.deployment.revisionHistoryLimit }}
  {{- end }}
  minReadySeconds: {{ .Values.deployment.minReadySeconds }}
  selector:
    matchLabels: {{- include "traefik.selector" . | nindent 6 }}
  updateStrategy: {{- toYaml .Values.updateStrategy | nindent 4 }}
  template: {{- include "traefik.pod" . | nindent 4 }}
{{- end }}
`,
  'templates/service.yaml': `{{- $all := set (deepCopy .Values.service.additionalServices) "default" (omit .Values.service "additionalServices") }}
{{- range $name, $service := $all }}
{{- if ne $service.enabled false }}
{{- $full := eq $name "default" | ternary (include "traefik.fullname" $) (printf "%s-%s" (include "traefik.fullname" $) $name) }}
{{- if ge (len $full) 60 }}{{ fail "ERROR: Cannot create a service whose full name contains more than 60 characters" }}{{ end }}
{{- $exposed := dict }}
{{- range $port, $config := $.Values.ports }}
{{- if and $config (index (default dict $config.expose) $name) }}{{ $_ := set $exposed $port $config }}{{ end }}
{{- end }}
{{- if not $exposed }}{{ fail (printf "ERROR: Cannot create Service %s without ports" $full) }}{{ end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $full }}
  namespace: {{ include "traefik.namespace" $ }}
  labels:
    {{- include "traefik.labels" $ | nindent 4 }}
    {{- with $service.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with merge dict (default dict $service.annotationsTCP) (default dict $service.annotations) }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- $type := default "LoadBalancer" $service.type }}
  type: {{ $type }}
  {{- with $service.loadBalancerClass }}
  loadBalancerClass: {{ . }}
  {{- end }}
  {{- with $service.spec }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- if eq $type "LoadBalancer" }}
  {{- with $service.loadBalancerSourceRanges }}
  loadBalancerSourceRanges: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with $service.externalIPs }}
  externalIPs: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $service.ipFamilyPolicy }}
  ipFamilyPolicy: {{ . }}
  {{- end }}
  {{- with $service.ipFamilies }}
  ipFamilies: {{- toYaml . | nindent 4 }}
  {{- end }}
  selector: {{- include "traefik.selector" $ | nindent 4 }}
  ports:
  {{- range $port, $config := $exposed }}
  - name: {{ include "traefik.portname" $port }}
    port: {{ default $config.port $config.exposedPort }}
    {{- $target := default $port $config.targetPort }}
    targetPort: {{ if kindIs "string" $target }}{{ include "traefik.portname" $target }}{{ else }}{{ $target }}{{ end }}
    protocol: {{ default "TCP" $config.protocol }}
    {{- with $config.nodePort }}
    nodePort: {{ . }}
    {{- end }}
    {{- with $config.appProtocol }}
    appProtocol: {{ . }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
`,
  'templates/service-metrics.yaml': `{{- if and .Values.metrics.prometheus .Values.metrics.prometheus.service.enabled }}
{{- with .Values.metrics.prometheus }}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "traefik.fullname" $ }}-metrics
  namespace: {{ include "traefik.namespace" $ }}
  labels:
    {{- include "traefik.labels" $ | nindent 4 }}
    app.kubernetes.io/component: metrics
    {{- with .service.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .service.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: ClusterIP
  selector: {{- include "traefik.selector" $ | nindent 4 }}
  ports:
  {{- $config := index $.Values.ports .entryPoint }}
  - name: {{ include "traefik.portname" .entryPoint }}
    port: {{ default $config.port $config.exposedPort }}
    targetPort: {{ include "traefik.portname" .entryPoint }}
    protocol: TCP
{{- end }}
{{- end }}
`,
  'templates/ingressclass.yaml': `{{- if .Values.ingressClass.enabled }}
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: {{ default (include "traefik.fullname" .) .Values.ingressClass.name }}
  labels: {{- include "traefik.labels" . | nindent 4 }}
  annotations:
    ingressclass.kubernetes.io/is-default-class: {{ .Values.ingressClass.isDefaultClass | quote }}
spec:
  controller: traefik.io/ingress-controller
{{- end }}
`,
  'templates/gateway.yaml': `{{- if .Values.providers.kubernetesGateway.enabled }}
{{- if .Values.gatewayClass.enabled }}
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  name: {{ default "traefik" .Values.gatewayClass.name }}
  labels:
    {{- include "traefik.labels" . | nindent 4 }}
    {{- with .Values.gatewayClass.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  controllerName: traefik.io/gateway-controller
---
{{- end }}
{{- if .Values.gateway.enabled }}
{{- if not .Values.gateway.listeners }}{{ fail "ERROR: gateway must have at least one listener or should be disabled" }}{{ end }}
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: {{ default "traefik-gateway" .Values.gateway.name }}
  namespace: {{ default (include "traefik.namespace" .) .Values.gateway.namespace }}
  labels: {{- include "traefik.labels" . | nindent 4 }}
  {{- with .Values.gateway.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  gatewayClassName: {{ default "traefik" .Values.gatewayClass.name }}
  {{- with .Values.gateway.infrastructure }}
  infrastructure: {{- toYaml . | nindent 4 }}
  {{- end }}
  listeners:
  {{- range $name, $listener := .Values.gateway.listeners }}
  {{- if not $listener.port }}{{ fail "ERROR: port needs to be specified" }}{{ end }}
  {{- $found := false }}
  {{- range $.Values.ports }}{{ if and . (eq (int .port) (int $listener.port)) }}{{ $found = true }}{{ end }}{{ end }}
  {{- if not $found }}{{ fail (printf "ERROR: port %v is not declared in ports" $listener.port) }}{{ end }}
  {{- if and (eq $listener.protocol "HTTPS") (not $listener.certificateRefs) }}{{ fail "ERROR: certificateRefs needs to be specified using HTTPS" }}{{ end }}
  - name: {{ $name }}
    port: {{ $listener.port }}
    protocol: {{ $listener.protocol }}
    {{- with $listener.hostname }}
    hostname: {{ . | quote }}
    {{- end }}
    {{- with $listener.namespacePolicy }}
    allowedRoutes:
      namespaces: {{- toYaml . | nindent 8 }}
    {{- end }}
    {{- if or $listener.certificateRefs $listener.mode }}
    tls: {{- toYaml (pick $listener "mode" "certificateRefs") | nindent 6 }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
`,
  'templates/ingressroute.yaml': `{{- range $name, $route := .Values.ingressRoute }}
{{- if $route.enabled }}
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: {{ $.Release.Name }}-{{ $name }}
  namespace: {{ include "traefik.namespace" $ }}
  labels:
    {{- include "traefik.labels" $ | nindent 4 }}
    {{- with $route.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $class := and $.Values.ingressClass.enabled $.Values.providers.kubernetesCRD.enabled | ternary $.Values.providers.kubernetesCRD.ingressClass "" }}
  {{- with merge (empty $class | ternary dict (dict "kubernetes.io/ingress.class" $class)) (default dict $route.annotations) }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  entryPoints: {{- toYaml $route.entryPoints | nindent 2 }}
  routes:
  - kind: Rule
    match: {{ $route.matchRule }}
    {{- with $route.services }}
    services: {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with $route.middlewares }}
    middlewares: {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $route.tls }}
  tls: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
`,
  'templates/tls.yaml': `{{- range $name, $spec := .Values.tlsOptions }}
---
apiVersion: traefik.io/v1alpha1
kind: TLSOption
metadata:
  name: {{ $name }}
  namespace: {{ include "traefik.namespace" $ }}
  labels:
    {{- include "traefik.labels" $ | nindent 4 }}
    {{- with $spec.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec: {{- toYaml (omit $spec "labels") | nindent 2 }}
{{- end }}
{{- range $name, $spec := .Values.tlsStore }}
---
apiVersion: traefik.io/v1alpha1
kind: TLSStore
metadata:
  name: {{ $name }}
  namespace: {{ include "traefik.namespace" $ }}
  labels: {{- include "traefik.labels" $ | nindent 4 }}
spec: {{- toYaml $spec | nindent 2 }}
{{- end }}
`,
  'templates/hpa.yaml': `{{- with .Values.autoscaling }}
{{- if .enabled }}
{{- if not .maxReplicas }}{{ fail "ERROR: maxReplicas is required on HPA" }}{{ end }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "traefik.fullname" $ }}
  namespace: {{ include "traefik.namespace" $ }}
  labels: {{- include "traefik.labels" $ | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: {{ .scaleTargetRef.apiVersion }}
    kind: {{ .scaleTargetRef.kind }}
    name: {{ tpl .scaleTargetRef.name $ }}
  {{- toYaml (pick . "minReplicas" "maxReplicas" "metrics" "behavior") | nindent 2 }}
{{- end }}
{{- end }}
`,
  'templates/poddisruptionbudget.yaml': `{{- with .Values.podDisruptionBudget }}
{{- if .enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "traefik.fullname" $ }}
  namespace: {{ include "traefik.namespace" $ }}
  labels: {{- include "traefik.labels" $ | nindent 4 }}
spec:
  selector:
    matchLabels: {{- include "traefik.selector" $ | nindent 6 }}
  {{- with .minAvailable }}
  minAvailable: {{ . }}
  {{- end }}
  {{- with .maxUnavailable }}
  maxUnavailable: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
`,
  'templates/pvc.yaml': `{{- with .Values.persistence }}
{{- if and .enabled (not .existingClaim) }}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ include "traefik.fullname" $ }}
  namespace: {{ include "traefik.namespace" $ }}
  labels: {{- include "traefik.labels" $ | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep
    {{- with .annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  accessModes: [{{ .accessMode }}]
  resources:
    requests:
      storage: {{ .size }}
  {{- with .storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  {{- with .volumeName }}
  volumeName: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
`,
  'templates/extra-objects.yaml': `{{- range .Values.extraObjects }}
---
{{ tpl (kindIs "string" . | ternary . (toYaml .)) $ }}
{{- end }}
`,
  'templates/rbac.yaml': `{{- if not .Values.serviceAccount.name }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "traefik.account" . }}
  namespace: {{ include "traefik.namespace" . }}
  labels: {{- include "traefik.labels" . | nindent 4 }}
  {{- with .Values.serviceAccountAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
---
{{- end }}
{{- if .Values.rbac.enabled }}
{{- $kind := .Values.rbac.namespaced | ternary "Role" "ClusterRole" }}
{{- $places := list "" }}
{{- if .Values.rbac.namespaced }}
{{- $places = concat (list (include "traefik.namespace" .)) .Values.providers.kubernetesIngress.namespaces .Values.providers.kubernetesCRD.namespaces | uniq | sortAlpha }}
{{- end }}
{{- range $place := $places }}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ $place | empty | ternary (include "traefik.role" $) (include "traefik.fullname" $) }}
  {{- with $place }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "traefik.labels" $ | nindent 4 }}
    {{- range $.Values.rbac.aggregateTo }}
    rbac.authorization.k8s.io/aggregate-to-{{ . }}: "true"
    {{- end }}
rules: {{- include "traefik.rules" (dict "root" $ "place" $place) | nindent 0 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ $place | empty | ternary (include "traefik.role" $) (include "traefik.fullname" $) }}
  {{- with $place }}
  namespace: {{ . }}
  {{- end }}
  labels: {{- include "traefik.labels" $ | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ $place | empty | ternary (include "traefik.role" $) (include "traefik.fullname" $) }}
subjects:
- kind: ServiceAccount
  name: {{ include "traefik.account" $ }}
  namespace: {{ include "traefik.namespace" $ }}
---
{{- end }}
{{- end }}
{{- define "traefik.rules" }}
{{- $v := .root.Values }}
{{- $own := include "traefik.namespace" .root }}
{{- $isHere := dict }}
{{- range $name := list "kubernetesIngress" "kubernetesCRD" }}
{{- $provider := index $v.providers $name }}
{{- $_ := set $isHere $name (and $provider.enabled (or (not $v.rbac.namespaced) (eq $.place $own) (has $.place $provider.namespaces))) }}
{{- end }}
{{- $watch := list "get" "list" "watch" }}
{{- $rules := list }}
{{- $core := $v.providers.kubernetesCRD.enabled | ternary (list "configmaps") list }}
{{- if not $v.rbac.namespaced }}{{ $core = append $core "nodes" }}{{ end }}
{{- $rules = append $rules (dict "apiGroups" (list "") "resources" (append $core "services") "verbs" $watch) }}
{{- $rules = append $rules (dict "apiGroups" (list "discovery.k8s.io") "resources" (list "endpointslices") "verbs" (list "list" "watch")) }}
{{- $rules = append $rules (dict "apiGroups" (list "") "resources" (list "pods") "verbs" (list "get")) }}
{{- if $v.rbac.namespaced }}{{ $rules = append $rules (dict "apiGroups" (list "") "resources" (list "secrets") "verbs" (list "list")) }}{{ end }}
{{- $rules = append $rules (dict "apiGroups" (list "") "resources" (list "secrets") "verbs" $watch) }}
{{- $groups := list "extensions" "networking.k8s.io" }}
{{- if $isHere.kubernetesIngress }}
{{- $rules = append $rules (dict "apiGroups" $groups "resources" ($v.rbac.namespaced | ternary (list "ingresses") (list "ingressclasses" "ingresses")) "verbs" $watch) }}
{{- $rules = append $rules (dict "apiGroups" $groups "resources" (list "ingresses/status") "verbs" (list "update")) }}
{{- if not $v.rbac.namespaced }}{{ $rules = append $rules (dict "apiGroups" (list "") "resources" (list "namespaces") "verbs" (list "list" "watch")) }}{{ end }}
{{- end }}
{{- if $isHere.kubernetesCRD }}
{{- if not (or $isHere.kubernetesIngress $v.rbac.namespaced) }}{{ $rules = append $rules (dict "apiGroups" $groups "resources" (list "ingressclasses") "verbs" $watch) }}{{ end }}
{{- $rules = append $rules (dict "apiGroups" (list "traefik.io") "resources" (list "ingressroutes" "ingressroutetcps" "ingressrouteudps" "middlewares" "middlewaretcps" "serverstransports" "serverstransporttcps" "tlsoptions" "tlsstores" "traefikservices") "verbs" $watch) }}
{{- end }}
{{- if $v.providers.kubernetesGateway.enabled }}
{{- $routes := list "grpcroutes" "httproutes" "tcproutes" "tlsroutes" }}
{{- $group := list "gateway.networking.k8s.io" }}
{{- $rules = append $rules (dict "apiGroups" (list "") "resources" (list "namespaces" "secrets" "configmaps") "verbs" $watch) }}
{{- $rules = append $rules (dict "apiGroups" $group "resources" (concat (list "backendtlspolicies" "gatewayclasses" "gateways" "referencegrants") $routes) "verbs" $watch) }}
{{- $status := list }}
{{- range concat (list "backendtlspolicies" "gatewayclasses" "gateways") $routes }}{{ $status = append $status (printf "%s/status" .) }}{{ end }}
{{- $rules = append $rules (dict "apiGroups" $group "resources" $status "verbs" (list "update")) }}
{{- end }}
{{- toYaml $rules }}
{{- end }}
`,
  'templates/NOTES.txt': `

{{ .Release.Name }} with {{ .Values.image.registry }}/{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }} has been deployed successfully on {{ include "traefik.namespace" . }} namespace!
`,
}
