/** Texts of the overview of what is installed, which come with it. */
export const installedTexts = {
  en: {
    title: 'What is installed', 'tab.title': 'Installed', 'tab.images': 'Images by cluster', close: 'Close the overview', default: 'default', loading: 'Looking …', failed: 'This could not be read: {message}',
    runtime: 'Container runtime', network: 'Network', storage: 'Storage', dns: 'DNS', ingress: 'Ingress and Gateway', metrics: 'Metrics',
    'about.runtime': 'What runs containers on each node.', 'about.network': 'Gives pods addresses, and leads Services to them.', 'about.storage': 'Where volumes come from.',
    'about.dns': 'Answers for the names of Services.', 'about.ingress': 'Lets requests from outside in by host and path.', 'about.metrics': 'Who measures what pods and nodes use.',
    'none.runtime': 'No node has said so yet.', 'none.network': 'No network plugin is to be seen among the cluster’s objects.', 'none.storage': 'No StorageClass and no driver: claims stay Pending unless somebody makes a volume for them.',
    'none.dns': 'Nobody answers for Services’ names.', 'none.ingress': 'Ingresses can be written, but nobody follows them.', 'none.metrics': '“kubectl top” and autoscaling by use have nobody to ask.',
    nodes: '{value} nodes', node: '1 node', kubelet: 'kubelet {value}', os: '{value}', image: '{value}', proxy: 'leads Services’ addresses to pods', embedded: 'The nodes’ agent brings the network along.', backend: 'backend {value}',
    provisioner: 'provisioner {value}', reclaim: 'reclaim policy {value}', binding: 'binding {value}', driver: 'CSI driver', address: 'address {value}', controller: 'IngressClass for {value}', gateway: 'GatewayClass for {value}', service: 'answered by {value}',
    ready: '{value} ready', run: 'Run in the terminal', noDeployments: 'No cluster has Deployments of its own yet.', same: 'the same everywhere', versions: '{count} different', missing: 'not there', silent: 'doesn’t answer', more: 'And {count} more, which are not compared here.', compare: 'What each cluster’s Deployments run.',
  },
  de: {
    title: 'Was installiert ist', 'tab.title': 'Installiert', 'tab.images': 'Images je Cluster', close: 'Übersicht schließen', default: 'Standard', loading: 'Wird gelesen …', failed: 'Das ließ sich nicht lesen: {message}',
    runtime: 'Container-Laufzeit', network: 'Netz', storage: 'Speicher', dns: 'DNS', ingress: 'Ingress und Gateway', metrics: 'Messwerte',
    'about.runtime': 'Führt auf jedem Node die Container aus.', 'about.network': 'Gibt Pods Adressen und leitet Anfragen an Services zu ihnen.', 'about.storage': 'Woher Volumes kommen.',
    'about.dns': 'Löst die Namen von Services auf.', 'about.ingress': 'Verteilt Anfragen von außen nach Host und Pfad.', 'about.metrics': 'Misst, was Pods und Nodes verbrauchen.',
    'none.runtime': 'Noch hat sich kein Node gemeldet.', 'none.network': 'Unter den Objekten des Clusters ist kein Netzwerk-Plugin zu sehen.', 'none.storage': 'Keine StorageClass und kein Treiber: Claims bleiben Pending, solange niemand ein Volume für sie anlegt.',
    'none.dns': 'Niemand löst die Namen von Services auf.', 'none.ingress': 'Ingresses lassen sich anlegen, aber niemand setzt sie um.', 'none.metrics': '„kubectl top“ und Autoskalierung nach Verbrauch bekommen keine Messwerte.',
    nodes: '{value} Nodes', node: '1 Node', kubelet: 'kubelet {value}', os: '{value}', image: '{value}', proxy: 'leitet Adressen von Services zu Pods', embedded: 'Der Agent der Nodes bringt das Netz mit.', backend: 'Backend {value}',
    provisioner: 'Provisioner {value}', reclaim: 'Reclaim-Policy {value}', binding: 'Binding {value}', driver: 'CSI-Treiber', address: 'Adresse {value}', controller: 'IngressClass für {value}', gateway: 'GatewayClass für {value}', service: 'beantwortet von {value}',
    ready: '{value} bereit', run: 'Im Terminal ausführen', noDeployments: 'Noch hat kein Cluster eigene Deployments.', same: 'überall gleich', versions: '{count} verschiedene', missing: 'nicht vorhanden', silent: 'antwortet nicht', more: 'Und {count} weitere, die hier nicht verglichen werden.', compare: 'Welche Images die Deployments in jedem Cluster verwenden.',
  },
} as const
