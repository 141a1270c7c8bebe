import { certificateSigningRequest } from './certificate-signing-request.ts'
import { limitRange, namespace, node, resourceQuota } from './cluster.ts'
import { configMap, secret, serviceAccount } from './configuration.ts'
import type { Describer } from './describer.ts'
import { endpointSlice, endpoints, ingress, ingressClass, ipAddress, networkPolicy, service, serviceCIDR } from './network.ts'
import { pod } from './pod.ts'
import { horizontalPodAutoscaler, podDisruptionBudget, priorityClass } from './policies.ts'
import { role, roleBinding } from './rbac.ts'
import { csiNode, persistentVolume, persistentVolumeClaim, storageClass, volumeAttributesClass } from './storage.ts'
import { cronJob, daemonSet, deployment, job, replicaSet, replicationController, statefulSet } from './workloads.ts'

/** By `group/Kind`. */
export const DESCRIBERS: Record<string, Describer> = {
  '/Pod': pod, 'apps/Deployment': deployment, 'apps/ReplicaSet': replicaSet, '/ReplicationController': replicationController, 'apps/DaemonSet': daemonSet, 'apps/StatefulSet': statefulSet,
  'batch/Job': job, 'batch/CronJob': cronJob, '/Service': service, '/Endpoints': endpoints, 'discovery.k8s.io/EndpointSlice': endpointSlice,
  'networking.k8s.io/Ingress': ingress, 'networking.k8s.io/IngressClass': ingressClass, 'networking.k8s.io/NetworkPolicy': networkPolicy,
  'networking.k8s.io/IPAddress': ipAddress, 'networking.k8s.io/ServiceCIDR': serviceCIDR,
  '/ConfigMap': configMap, '/Secret': secret, '/ServiceAccount': serviceAccount,
  'rbac.authorization.k8s.io/Role': role, 'rbac.authorization.k8s.io/ClusterRole': role, 'rbac.authorization.k8s.io/RoleBinding': roleBinding, 'rbac.authorization.k8s.io/ClusterRoleBinding': roleBinding,
  '/Node': node, '/Namespace': namespace, '/ResourceQuota': resourceQuota, '/LimitRange': limitRange,
  '/PersistentVolume': persistentVolume, '/PersistentVolumeClaim': persistentVolumeClaim, 'storage.k8s.io/StorageClass': storageClass,
  'storage.k8s.io/CSINode': csiNode, 'storage.k8s.io/VolumeAttributesClass': volumeAttributesClass,
  'policy/PodDisruptionBudget': podDisruptionBudget, 'scheduling.k8s.io/PriorityClass': priorityClass, 'autoscaling/HorizontalPodAutoscaler': horizontalPodAutoscaler,
  'certificates.k8s.io/CertificateSigningRequest': certificateSigningRequest,
}

