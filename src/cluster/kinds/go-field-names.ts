/** Go's names of fields that aren't the JSON name with a capital letter. `Type.field` where only one type does it. */
const GO_NAMES: Record<string, string> = {
  apiGroup: 'APIGroup', apiVersion: 'APIVersion', awsElasticBlockStore: 'AWSElasticBlockStore', cel: 'CEL', cephfs: 'CephFS', chapAuthDiscovery: 'DiscoveryCHAPAuth', chapAuthSession: 'SessionCHAPAuth', csi: 'CSI',
  diskURI: 'DataDiskURI', dnsConfig: 'DNSConfig', dnsPolicy: 'DNSPolicy', endpoints: 'EndpointsName', fc: 'FC', fsGroup: 'FSGroup', fsGroupChangePolicy: 'FSGroupChangePolicy', fsType: 'FSType',
  gcePersistentDisk: 'GCEPersistentDisk', gmsaCredentialSpec: 'GMSACredentialSpec', gmsaCredentialSpecName: 'GMSACredentialSpecName', grpc: 'GRPC', httpGet: 'HTTPGet', httpHeaders: 'HTTPHeaders', ip: 'IP', iqn: 'IQN',
  iscsi: 'ISCSI', iscsiInterface: 'ISCSIInterface', metadata: 'ObjectMeta', nfs: 'NFS', os: 'OS', pdName: 'PDName', rbd: 'RBD', seLinuxChangePolicy: 'SELinuxChangePolicy', seLinuxOptions: 'SELinuxOptions',
  serviceAccount: 'DeprecatedServiceAccount', sslEnabled: 'SSLEnabled', storageos: 'StorageOS', tcpSocket: 'TCPSocket', tty: 'TTY', uid: 'UID', wwids: 'WWIDs',
  'RBDVolumeSource.image': 'RBDImage', 'RBDVolumeSource.monitors': 'CephMonitors', 'RBDVolumeSource.pool': 'RBDPool', 'RBDVolumeSource.user': 'RadosUser',
  'RBDPersistentVolumeSource.image': 'RBDImage', 'RBDPersistentVolumeSource.monitors': 'CephMonitors', 'RBDPersistentVolumeSource.pool': 'RBDPool', 'RBDPersistentVolumeSource.user': 'RadosUser',
}

/** Go's name of a struct's field, by its JSON name. */
export function goFieldName(structName: string, jsonName: string): string {
  return GO_NAMES[`${structName}.${jsonName}`] ?? GO_NAMES[jsonName] ?? jsonName[0]!.toUpperCase() + jsonName.slice(1)
}

const jsonNames = new Map(Object.entries(GO_NAMES).map(([json, go]) => json.includes('.') ? [`${json.split('.')[0]}.${go}`, json.split('.')[1]!] : [go, json]))

/** The JSON name of a struct's field, by its name in Go. */
export function jsonFieldName(structName: string, goName: string): string {
  return jsonNames.get(`${structName}.${goName}`) ?? jsonNames.get(goName) ?? goName[0]!.toLowerCase() + goName.slice(1)
}
