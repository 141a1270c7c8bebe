/** What k3s' chart of Traefik has values for, and which hold where nobody says otherwise. k3s: k3s-charts charts/traefik values.yaml */
export const TRAEFIK_VALUES = `image: {registry: docker.io, repository: rancher/mirrored-library-traefik, tag: v3.6.12, pullPolicy: IfNotPresent}
commonLabels: {}

deployment:
  enabled: true
  # Deployment or DaemonSet
  kind: Deployment
  replicas: 1
  revisionHistoryLimit:
  terminationGracePeriodSeconds: 60
  minReadySeconds: 0
  healthchecksPort:
  healthchecksHost: ""
  healthchecksScheme:
  readinessPath: ""
  livenessPath: ""
  annotations: {}
  labels: {}
  podAnnotations: {}
  podLabels: {}
  additionalContainers: []
  additionalVolumes: []
  initContainers: []
  shareProcessNamespace: false
  dnsPolicy: ""
  dnsConfig: {}
  hostAliases: []
  imagePullSecrets: []
  lifecycle: {}
  runtimeClassName: ""
updateStrategy:
  type: RollingUpdate
  rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
readinessProbe: {failureThreshold: 1, initialDelaySeconds: 2, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 2}
livenessProbe: {failureThreshold: 3, initialDelaySeconds: 2, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 2}
startupProbe: {}
podDisruptionBudget: {enabled: false, maxUnavailable: , minAvailable: }
autoscaling:
  enabled: false
  minReplicas:
  maxReplicas:
  metrics: []
  behavior: {}
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: '{{ include "traefik.fullname" . }}'}

ingressClass: {enabled: true, isDefaultClass: true, name: ""}
core: {defaultRuleSyntax: ""}
experimental:
  abortOnPluginFailure: false
  fastProxy: {enabled: false, debug: false}
  kubernetesGateway: {enabled: false}
  plugins: {}
  localPlugins: {}
  otlpLogs: false
  knative: false

# Made only with providers.kubernetesGateway.enabled
gateway:
  enabled: true
  name: ""
  namespace: ""
  annotations: {}
  infrastructure: {}
  defaultScope:
  listeners:
    web:
      # Of the entry point in the pod, not of the Service
      port: 8000
      hostname: ""
      protocol: HTTP
      namespacePolicy:
gatewayClass: {enabled: true, name: "", labels: {}}

api: {dashboard: true, insecure: , debug: , basePath: ""}
ingressRoute:
  dashboard:
    enabled: false
    annotations: {}
    labels: {}
    matchRule: PathPrefix(\`/dashboard\`) || PathPrefix(\`/api\`)
    services: [{name: api@internal, kind: TraefikService}]
    entryPoints: [traefik]
    middlewares: []
    tls: {}
  healthcheck:
    enabled: false
    annotations: {}
    labels: {}
    matchRule: PathPrefix(\`/ping\`)
    services: [{name: ping@internal, kind: TraefikService}]
    entryPoints: [traefik]
    middlewares: []
    tls: {}

providers:
  kubernetesCRD: {enabled: true, allowCrossNamespace: false, allowExternalNameServices: false, allowEmptyServices: true, ingressClass: "", labelSelector: "", namespaces: [], nativeLBByDefault: false}
  kubernetesIngress:
    enabled: true
    allowExternalNameServices: false
    allowEmptyServices: true
    disableIngressClassLookup: false
    ingressClass:
    labelSelector:
    namespaces: []
    publishedService: {enabled: true, pathOverride: ""}
    nativeLBByDefault: false
    strictPrefixMatching: false
  kubernetesGateway:
    enabled: false
    experimentalChannel: false
    namespaces: []
    labelSelector: ""
    nativeLBByDefault: false
    statusAddress:
      ip: ""
      hostname: ""
      service: {enabled: true, name: "", namespace: ""}
  file: {enabled: false, watch: true, content: ""}
  kubernetesIngressNginx: {enabled: false}
  knative: {enabled: false, namespaces: [], labelSelector: ""}

logs:
  general: {format: , level: INFO, filePath: "", noColor: false, otlp: {enabled: false}}
  access:
    enabled: false
    format:
    filePath: ""
    bufferingSize:
    timezone: ""
    filters: {statuscodes: "", retryattempts: false, minduration: ""}
    addInternals: false
    fields:
      general: {defaultmode: keep, names: {}}
      headers: {defaultmode: drop, names: {}}
    otlp: {enabled: false}
metrics:
  addInternals: false
  prometheus:
    entryPoint: metrics
    addEntryPointsLabels:
    addRoutersLabels:
    addServicesLabels:
    buckets: ""
    manualRouting: false
    headerLabels: {}
    service: {enabled: false, labels: {}, annotations: {}}
    disableAPICheck:
    serviceMonitor: {enabled: false}
    prometheusRule: {enabled: false}
  otlp: {enabled: false}
ocsp: {enabled: false}
tracing: {addInternals: false, serviceName: , resourceAttributes: {}, capturedRequestHeaders: [], capturedResponseHeaders: [], safeQueryParams: [], sampleRate: , otlp: {enabled: false}}
global:
  systemDefaultRegistry: ""
  checkNewVersion: true
  sendAnonymousUsage: false
  azure: {enabled: false}

additionalArguments: []
env: []
envFrom: []
volumes: []
additionalVolumeMounts: []

# Entry points: where Traefik listens in its pod (port), and what the Service in front of it calls that (exposedPort).
ports:
  traefik:
    port: 8080
    hostPort:
    hostIP:
    expose: {default: false}
    exposedPort: 8080
    protocol: TCP
    observability: {metrics: , accessLogs: , tracing: , traceVerbosity: }
  web:
    asDefault:
    port: 8000
    expose: {default: true}
    exposedPort: 80
    targetPort:
    protocol: TCP
    nodePort:
    http:
      redirections: {entryPoint: {}}
    forwardedHeaders: {trustedIPs: [], insecure: false}
    proxyProtocol: {trustedIPs: [], insecure: false}
    transport:
      respondingTimeouts: {readTimeout: , writeTimeout: , idleTimeout: }
      lifeCycle: {requestAcceptGraceTimeout: , graceTimeOut: }
      keepAliveMaxRequests:
      keepAliveMaxTime:
    observability: {metrics: , accessLogs: , tracing: , traceVerbosity: }
  websecure:
    port: 8443
    hostPort:
    containerPort:
    expose: {default: true}
    exposedPort: 443
    targetPort:
    protocol: TCP
    nodePort:
    appProtocol:
    allowACMEByPass: false
    http:
      encodedCharacters: {}
      maxHeaderBytes:
      middlewares: []
      sanitizePath:
      tls: {enabled: true, options: "", certResolver: "", domains: []}
    http3: {enabled: false, advertisedPort: }
    forwardedHeaders: {trustedIPs: [], insecure: false}
    proxyProtocol: {trustedIPs: [], insecure: false}
    transport:
      respondingTimeouts: {readTimeout: , writeTimeout: , idleTimeout: }
      lifeCycle: {requestAcceptGraceTimeout: , graceTimeOut: }
      keepAliveMaxRequests:
      keepAliveMaxTime:
    observability: {metrics: , accessLogs: , tracing: , traceVerbosity: }
  metrics:
    port: 9100
    expose: {default: false}
    exposedPort: 9100
    protocol: TCP
    observability: {metrics: , accessLogs: , tracing: , traceVerbosity: }

service:
  enabled: true
  single: true
  type: LoadBalancer
  annotations: {}
  annotationsTCP: {}
  annotationsUDP: {}
  labels: {}
  spec: {}
  loadBalancerSourceRanges: []
  externalIPs: []
  additionalServices: {}
persistence: {enabled: false, name: data, existingClaim: "", accessMode: ReadWriteOnce, size: 128Mi, storageClass: , volumeName: "", path: /data, annotations: {}, subPath: ""}
certificatesResolvers: {}
tlsOptions: {}
tlsStore: {}

hostNetwork: false
rbac: {enabled: true, namespaced: false, aggregateTo: []}
serviceAccount: {name: ""}
serviceAccountAnnotations: {}
resources: {}
affinity: {}
nodeSelector: {}
tolerations: []
topologySpreadConstraints: []
priorityClassName: ""
securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
podSecurityContext: {runAsGroup: 65532, runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}

extraObjects: []
namespaceOverride: ""
instanceLabelOverride: ""
nameOverride: ""
fullnameOverride: ""

# Not supported by this build of the chart
hub: {token: ""}
oci_meta: {enabled: false}
`
