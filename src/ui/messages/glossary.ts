/** Texts of the glossary's dialog, which come with it. */
export const glossaryTexts = {
  en: { title: 'Glossary', search: 'Find a term', formerly: 'formerly {names}', also: 'also {names}', none: 'No term has this in it.', found: '{count} found' },
  de: { title: 'Glossar', search: 'Begriff suchen', formerly: 'früher {names}', also: 'auch {names}', none: 'Kein Begriff enthält das.', found: '{count} gefunden' },
} as const

/** A term of the field, which is the same in all languages. */
export interface GlossaryEntry {
  term: string
  /** Names that older texts have for it. */
  formerly?: readonly string[]
  also?: readonly string[]
  en: string
  de: string
}

/** In the order of the alphabet. */
export const glossary: readonly GlossaryEntry[] = [
  { term: 'Admission', en: 'The last step before the API server stores a change: plugins, webhooks and policies first change the object, then others check it.', de: 'Der letzte Schritt, bevor der API-Server eine Änderung speichert: Plugins, Webhooks und Policies ändern das Objekt, danach prüfen es andere.' },
  { term: 'Annotation', en: 'A note on an object for people and tools. Unlike a label it can be long, and nothing is selected by it.', de: 'Eine Notiz an einem Objekt für Menschen und Werkzeuge. Anders als ein Label darf sie lang sein, und nichts wird nach ihr ausgewählt.' },
  { term: 'API server', also: ['kube-apiserver'], en: 'The front door of the control plane. Everything that reads or changes the cluster asks it over HTTP.', de: 'Die Eingangstür der Control Plane. Wer etwas im Cluster liest oder ändert, fragt ihn über HTTP.' },
  { term: 'ClusterIP', en: 'The address of a Service inside the cluster. It belongs to no machine: rules on every node lead it to a pod.', de: 'Die Adresse eines Service im Cluster. Sie gehört keiner Maschine: Regeln auf jedem Node leiten sie zu einem Pod.' },
  { term: 'CNI', en: 'Container Network Interface: how a container runtime has a network plugin give a pod its address and its way to others.', de: 'Container Network Interface: So lässt die Container-Runtime ein Netzwerk-Plugin einem Pod Adresse und Wege geben.' },
  { term: 'ConfigMap', en: 'Configuration as an object: its entries become files or environment variables of containers.', de: 'Konfiguration als Objekt: Ihre Einträge werden zu Dateien oder Umgebungsvariablen von Containern.' },
  { term: 'Container', en: 'A process, or a few, with a file system from an image and limits from the kernel. One program per container is the custom.', de: 'Ein Prozess oder wenige, mit einem Dateisystem aus einem Image und Grenzen vom Kernel. Üblich ist ein Programm je Container.' },
  { term: 'containerd', en: 'The most common container runtime, once part of Docker. It pulls images and runs the containers of a node.', de: 'Die verbreitetste Container-Runtime, einst ein Teil von Docker. Sie lädt Images und führt die Container eines Nodes aus.' },
  { term: 'Control plane', formerly: ['master'], en: 'The machines and programs that decide: API server, etcd, scheduler and controllers.', de: 'Die Maschinen und Programme, die entscheiden: API-Server, etcd, Scheduler und Controller.' },
  { term: 'Controller', en: 'A loop that compares what is wanted with what is there, and does the next step towards it.', de: 'Eine Schleife, die Gewünschtes mit Vorhandenem vergleicht und den nächsten Schritt dorthin tut.' },
  { term: 'CRI', en: 'Container Runtime Interface: how a kubelet talks to the program that runs containers. containerd and CRI-O implement it.', de: 'Container Runtime Interface: So spricht ein Kubelet mit dem Programm, das Container ausführt. containerd und CRI-O setzen es um.' },
  { term: 'CRI-O', en: 'A container runtime made for Kubernetes alone; OpenShift uses it.', de: 'Eine Container-Runtime allein für Kubernetes; OpenShift verwendet sie.' },
  { term: 'CronJob', formerly: ['ScheduledJob'], en: 'Makes a Job at times that are written as in cron.', de: 'Legt zu Zeiten, die wie in cron geschrieben sind, einen Job an.' },
  { term: 'CSI', en: 'Container Storage Interface: how storage of any vendor is made, attached and mounted.', de: 'Container Storage Interface: So wird Speicher beliebiger Anbieter angelegt, angeschlossen und eingehängt.' },
  { term: 'Custom resource', formerly: ['ThirdPartyResource'], also: ['CRD'], en: 'An object of a kind that somebody has added with a CustomResourceDefinition. By itself it is data; an operator gives it a meaning.', de: 'Ein Objekt einer Art, die jemand mit einer CustomResourceDefinition hinzugefügt hat. Für sich allein sind es Daten; Bedeutung gibt ihm ein Operator.' },
  { term: 'DaemonSet', en: 'Keeps one pod on each node, or on those that a selector names.', de: 'Hält auf jedem Node einen Pod, oder auf denen, die ein Selektor nennt.' },
  { term: 'Deployment', en: 'Keeps copies of a pod and rolls changes out step by step, with a way back. It works through ReplicaSets.', de: 'Hält Kopien eines Pods und rollt Änderungen schrittweise aus, mit einem Weg zurück. Es arbeitet über ReplicaSets.' },
  { term: 'EndpointSlice', formerly: ['Endpoints'], en: 'The addresses behind a Service, with whether they are ready.', de: 'Die Adressen hinter einem Service, und ob sie bereit sind.' },
  { term: 'etcd', en: 'The database of the cluster. Several members agree by Raft, and more than half of them must be there.', de: 'Die Datenbank des Clusters. Mehrere Mitglieder einigen sich mit Raft, und mehr als die Hälfte muss da sein.' },
  { term: 'Event', en: 'A short report about an object, kept for an hour: what a component did with it, or why it could not.', de: 'Eine kurze Meldung zu einem Objekt, die eine Stunde bleibt: was eine Komponente mit ihm tat oder warum es nicht ging.' },
  { term: 'Finalizer', en: 'A name on an object that keeps it from going until somebody has cleaned up and taken the name away.', de: 'Ein Name an einem Objekt, der es festhält, bis jemand aufgeräumt und den Namen entfernt hat.' },
  { term: 'Gateway API', en: 'The successor of Ingress: Gateways for who runs the cluster, routes for who runs an application.', de: 'Der Nachfolger von Ingress: Gateways für die, die den Cluster betreiben, Routen für die, die eine Anwendung betreiben.' },
  { term: 'Helm', en: 'A package manager: charts are templates for objects, filled in with values.', de: 'Ein Paketmanager: Charts sind Vorlagen für Objekte, die mit Werten gefüllt werden.' },
  { term: 'Image', en: 'A file system in layers, with the command to start. Containers begin with it.', de: 'Ein Dateisystem in Schichten, mit dem Befehl, der gestartet wird. Container beginnen damit.' },
  { term: 'Ingress', en: 'Rules by host and path for HTTP requests from outside. An ingress controller has to be there to follow them.', de: 'Regeln nach Host und Pfad für HTTP-Anfragen von außen. Ein Ingress-Controller muss da sein, der sie befolgt.' },
  { term: 'Job', en: 'Runs pods until enough of them have ended well.', de: 'Führt Pods aus, bis genug von ihnen erfolgreich beendet sind.' },
  { term: 'kube-proxy', formerly: ['kubelet-proxy'], en: 'Writes the rules on each node that lead Services’ addresses to pods.', de: 'Schreibt auf jedem Node die Regeln, die Adressen von Services zu Pods leiten.' },
  { term: 'kubelet', en: 'The agent on each node: starts the containers of the pods that are bound to it, and reports about them.', de: 'Der Agent auf jedem Node: startet die Container der ihm zugeteilten Pods und berichtet über sie.' },
  { term: 'Label', en: 'A key and a value on an object, by which it is found: Services, Deployments and people select by labels.', de: 'Schlüssel und Wert an einem Objekt, nach denen es gefunden wird: Services, Deployments und Menschen wählen nach Labels aus.' },
  { term: 'LXD', en: 'A manager of containers that behave like whole machines. Kubernetes doesn’t run on it as a container runtime.', de: 'Ein Verwalter von Containern, die sich wie ganze Maschinen verhalten. Als Container-Runtime von Kubernetes dient es nicht.' },
  { term: 'Namespace', en: 'A folder for objects, with its own names, rights and quotas.', de: 'Ein Ordner für Objekte, mit eigenen Namen, Rechten und Quoten.' },
  { term: 'NetworkPolicy', en: 'Says who may talk to which pods. A network plugin has to enforce it.', de: 'Sagt, wer mit welchen Pods sprechen darf. Ein Netzwerk-Plugin muss es durchsetzen.' },
  { term: 'Node', formerly: ['minion'], en: 'A machine, physical or virtual, that runs pods.', de: 'Eine Maschine, physisch oder virtuell, die Pods ausführt.' },
  { term: 'NodePort', en: 'A port that leads to a Service on every node.', de: 'Ein Port, der auf jedem Node zu einem Service führt.' },
  { term: 'Operator', en: 'A controller that knows how one piece of software is run, and does it for objects of its own kind.', de: 'Ein Controller, der weiß, wie eine bestimmte Software betrieben wird, und es für Objekte seiner eigenen Art tut.' },
  { term: 'PersistentVolume', en: 'Storage that outlives pods. A PersistentVolumeClaim asks for it.', de: 'Speicher, der Pods überdauert. Ein PersistentVolumeClaim fordert ihn an.' },
  { term: 'Pod', en: 'The smallest thing that Kubernetes runs: one or more containers that share an address and volumes.', de: 'Das Kleinste, was Kubernetes ausführt: ein oder mehrere Container mit gemeinsamer Adresse und gemeinsamen Volumes.' },
  { term: 'Podman', en: 'Runs containers without a daemon, much like docker does. It is for people, not for kubelets.', de: 'Führt Container ohne Daemon aus, ähnlich wie docker. Es ist für Menschen gemacht, nicht für Kubelets.' },
  { term: 'Probe', en: 'A question that the kubelet asks a container again and again: does it live, is it ready, has it started?', de: 'Eine Frage, die das Kubelet einem Container immer wieder stellt: Lebt er, ist er bereit, ist er gestartet?' },
  { term: 'RBAC', en: 'Role-based access control: roles name what may be done, bindings name who may do it.', de: 'Rollenbasierte Zugriffskontrolle: Rollen nennen, was erlaubt ist, Bindings, wem.' },
  { term: 'Registry', en: 'A server that images are pushed to and pulled from.', de: 'Ein Server, zu dem Images hochgeladen und von dem sie geladen werden.' },
  { term: 'ReplicaSet', formerly: ['ReplicationController'], en: 'Keeps a number of pods that its selector finds. ReplicationControllers do the same with simpler selectors.', de: 'Hält eine Zahl von Pods, die sein Selektor findet. ReplicationController tun dasselbe mit einfacheren Selektoren.' },
  { term: 'rkt', also: ['rktlet'], en: 'A container runtime that is no longer developed; rktlet was its way to the CRI.', de: 'Eine Container-Runtime, die nicht mehr entwickelt wird; rktlet war ihr Weg zum CRI.' },
  { term: 'Scheduler', also: ['kube-scheduler'], en: 'Chooses a node for each new pod: first those that fit, then the best of them.', de: 'Wählt für jeden neuen Pod einen Node: erst die passenden, dann den besten davon.' },
  { term: 'Secret', en: 'Like a ConfigMap, for what not everybody may read. Encoded, and encrypted only where the API server is told to.', de: 'Wie eine ConfigMap, für das, was nicht alle lesen dürfen. Kodiert, und verschlüsselt nur, wo der API-Server dazu angehalten ist.' },
  { term: 'Service', en: 'A name and an address that stay, in front of pods that come and go.', de: 'Ein Name und eine Adresse, die bleiben, vor Pods, die kommen und gehen.' },
  { term: 'ServiceAccount', en: 'Who a pod is when it asks the API server.', de: 'Wer ein Pod ist, wenn er den API-Server fragt.' },
  { term: 'Sidecar', en: 'A container that helps the main one in the same pod, and starts before it.', de: 'Ein Container, der dem Hauptcontainer im selben Pod hilft und vor ihm startet.' },
  { term: 'StatefulSet', formerly: ['PetSet'], en: 'Pods with names, an order and volumes that stay theirs.', de: 'Pods mit Namen, einer Reihenfolge und Volumes, die ihre bleiben.' },
  { term: 'StorageClass', en: 'A kind of storage that claims can ask for by name; its provisioner makes volumes on demand.', de: 'Eine Sorte Speicher, die Claims beim Namen nennen; ihr Provisioner legt Volumes bei Bedarf an.' },
  { term: 'Taint', en: 'A mark on a node that keeps pods away which don’t tolerate it.', de: 'Eine Markierung an einem Node, die Pods fernhält, die sie nicht tolerieren.' },
]
