/** Kubectl's groups of commands, in its order. */
export const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ['Basic Commands (Beginner):', ['create', 'expose', 'run', 'set']],
  ['Basic Commands (Intermediate):', ['explain', 'get', 'edit', 'delete']],
  ['Deploy Commands:', ['rollout', 'scale', 'autoscale']],
  ['Cluster Management Commands:', ['certificate', 'cluster-info', 'top', 'cordon', 'uncordon', 'drain', 'taint']],
  ['Troubleshooting and Debugging Commands:', ['describe', 'logs', 'attach', 'exec', 'port-forward', 'proxy', 'cp', 'auth', 'debug', 'events']],
  ['Advanced Commands:', ['diff', 'apply', 'patch', 'replace', 'wait', 'kustomize']],
  ['Settings Commands:', ['label', 'annotate', 'completion']],
  ['Subcommands provided by plugins:', []],
  ['Other Commands:', ['api-resources', 'api-versions', 'config', 'kuberc', 'plugin', 'version']],
]

/** One line about a command. */
export function shortHelp(path: string): string {
  return SHORT[path.replace(/^kubectl ?/, '')] ?? ''
}

export function longHelp(path: string): { long: string; examples: readonly string[] } {
  const key = path.replace(/^kubectl ?/, '')
  if (key === '') return { long: 'kubectl controls the Kubernetes cluster manager.\n\n Find more information at: https://kubernetes.io/docs/reference/kubectl/', examples: [] }
  return { long: LONG[key] ?? `${SHORT[key] ?? key}.`, examples: EXAMPLES[key] ?? [] }
}

export function flagUsage(name: string): string {
  return FLAGS[name] ?? ''
}

const SHORT: Record<string, string> = {
  create: 'Make a resource from a file, from standard input, or from flags', expose: 'Put a Service in front of a pod, workload or other Service', run: 'Start one pod from an image', set: 'Change one aspect of existing objects',
  explain: 'Show what the fields of a resource mean', get: 'List resources or show them in another format', edit: 'Change a resource in a text editor', delete: 'Remove resources by file, name or label',
  rollout: 'Follow and steer the rollout of a workload', scale: 'Change the number of replicas of a workload', autoscale: 'Let a workload scale by its load',
  certificate: 'Decide on certificate requests', 'cluster-info': 'Show where the cluster answers', top: 'Show how much CPU and memory is in use', cordon: 'Keep new pods off a node', uncordon: 'Let pods onto a node again',
  drain: 'Empty a node before maintenance', taint: 'Change the taints of nodes', describe: 'Show the details of resources, with their events', logs: 'Print what a container wrote', attach: 'Join the streams of a running container',
  exec: 'Run a command inside a container', 'port-forward': 'Reach ports of a pod from this machine', proxy: 'Serve the API on a local port', cp: 'Copy files into and out of containers', auth: 'Look at permissions',
  debug: 'Add a container for debugging', events: 'List what happened', diff: 'Show what an apply would change', apply: 'Bring the cluster in line with a file', patch: 'Change single fields of a resource',
  replace: 'Replace a resource with the content of a file', wait: 'Wait until a condition holds', kustomize: 'Print what a kustomization builds', label: 'Change the labels of a resource', annotate: 'Change the annotations of a resource',
  completion: 'Print a completion script for a shell', alpha: 'Commands for features in alpha', 'api-resources': 'List the resources that the server knows', 'api-versions': 'List the API versions that the server knows',
  config: 'Change kubeconfig files', kuberc: 'Change the preferences of kubectl', plugin: 'Look at plugins', version: 'Show the versions of client and server', options: 'List the flags that every command takes',
  'rollout history': 'List former revisions', 'rollout pause': 'Hold a rollout', 'rollout restart': 'Replace all pods of a workload', 'rollout resume': 'Continue a held rollout', 'rollout status': 'Follow a rollout to its end', 'rollout undo': 'Go back to a former revision',
  'set env': 'Change environment variables of a pod template', 'set image': 'Change images of a pod template', 'set resources': 'Change requests and limits of a pod template', 'set selector': 'Change the selector of a Service',
  'set serviceaccount': 'Change the service account of a workload', 'set subject': 'Change the subjects of a role binding',
  'config current-context': 'Show the current context', 'config delete-cluster': 'Remove a cluster from the kubeconfig', 'config delete-context': 'Remove a context from the kubeconfig', 'config delete-user': 'Remove a user from the kubeconfig',
  'config get-clusters': 'List the clusters of the kubeconfig', 'config get-contexts': 'List the contexts of the kubeconfig', 'config get-users': 'List the users of the kubeconfig', 'config rename-context': 'Rename a context', 'config set': 'Set one value of the kubeconfig',
  'config set-cluster': 'Add or change a cluster', 'config set-context': 'Add or change a context', 'config set-credentials': 'Add or change a user', 'config unset': 'Remove one value of the kubeconfig', 'config use-context': 'Change the current context', 'config view': 'Show the merged kubeconfig',
  'create clusterrole': 'Make a cluster role', 'create clusterrolebinding': 'Grant a cluster role everywhere', 'create configmap': 'Make a config map from files, folders or literals', 'create cronjob': 'Make a job that runs on a schedule', 'create deployment': 'Make a deployment',
  'create ingress': 'Make an ingress', 'create job': 'Make a job, also from a cron job', 'create namespace': 'Make a namespace', 'create poddisruptionbudget': 'Make a pod disruption budget', 'create priorityclass': 'Make a priority class', 'create quota': 'Make a resource quota',
  'create role': 'Make a role with one rule', 'create rolebinding': 'Grant a role in a namespace', 'create secret': 'Make a secret', 'create service': 'Make a service', 'create serviceaccount': 'Make a service account', 'create token': 'Request a token of a service account',
  'create secret docker-registry': 'Create a secret for use with a Docker registry', 'create secret generic': 'Create a secret from a local file, directory, or literal value', 'create secret tls': 'Create a TLS secret',
  'create service clusterip': 'Make a service inside the cluster', 'create service externalname': 'Make a service that stands for a name outside', 'create service loadbalancer': 'Make a service with a load balancer', 'create service nodeport': 'Make a service on a port of every node',
  'auth can-i': 'Tell whether an action is allowed', 'auth reconcile': 'Bring roles and bindings in line with a file', 'auth whoami': 'Tell who you are to the server',
  'certificate approve': 'Approve a certificate request', 'certificate deny': 'Deny a certificate request',
  'apply edit-last-applied': 'Edit the last applied configuration', 'apply set-last-applied': 'Set the last applied configuration from a file', 'apply view-last-applied': 'Show the last applied configuration',
  'top node': 'Show the use of nodes', 'top pod': 'Show the use of pods', 'kuberc set': 'Set a preference', 'kuberc view': 'Show the preferences', 'plugin list': 'List the plugins in PATH', 'cluster-info dump': 'Write down the state of the cluster for a diagnosis',
}

const LONG: Record<string, string> = {
  autoscale: 'Let a workload scale by its load: make a HorizontalPodAutoscaler for it.\n\n The metrics come from metrics-server, which has to be installed. Without a target the workload is kept at 80% of the CPU that its pods request.',
  get: 'List resources, or show single ones.\n\n Without a format a table with the most important columns is printed. Several types, separated by commas, and several names may be given; -l and --field-selector narrow the list, -A looks into every namespace, and -w keeps printing changes.',
  apply: 'Bring the cluster in line with a file.\n\n Objects that are missing are created, others are changed where the file differs. Fields that left the file since the last apply are removed.',
  run: 'Start one pod from an image.\n\n Words behind -- become the arguments of the container, or its command with --command.',
  'create secret': 'Create a secret with specified type.\n\n A docker-registry type secret is for accessing a container registry.\n\n A generic type secret indicate an Opaque secret type.\n\n A tls type secret holds TLS certificate and its associated key.',
  logs: 'Print what a container wrote.\n\n The pod may also be named by its owner, such as deployment/web or job/backup, or by labels.',
  exec: 'Run a command inside a container. The command follows behind --.',
  explain: 'Show what the fields of a resource mean.\n\n The path to a field is written with dots: pod.spec.containers. --recursive lists all fields below it.',
  rollout: 'Follow and steer the rollout of a workload: deployments, daemon sets and stateful sets.',
  drain: 'Empty a node before maintenance: no new pods are placed on it, and those it runs are evicted, as far as disruption budgets allow.',
  config: 'Change kubeconfig files with sub-commands such as "kubectl config set current-context my-context".\n\n The file is the one that --kubeconfig names, else those in $KUBECONFIG, else ~/.kube/config.',
  wait: 'Wait until a condition holds for one or many resources: a status condition, a value at a JSON path, creation or deletion.',
}

const EXAMPLES: Record<string, readonly string[]> = {
  get: ['# All pods, with the nodes they run on', 'kubectl get pods -o wide', '', '# One deployment as YAML', 'kubectl get deployment web -o yaml', '', '# The pods with a label, as they change', 'kubectl get pods -l app=web -w'],
  run: ['# A web server', 'kubectl run web --image=nginx', '', '# A shell that is gone when you leave it', 'kubectl run -it --rm box --image=busybox --restart=Never -- sh'],
  apply: ['# Apply a file', 'kubectl apply -f web.yaml', '', '# Apply all files of a folder', 'kubectl apply -f manifests/', '', '# Apply what another program prints', 'cat web.yaml | kubectl apply -f -'],
  delete: ['# Delete what a file describes', 'kubectl delete -f web.yaml', '', '# Delete by name', 'kubectl delete pod/web service/web', '', '# Delete by label', 'kubectl delete pods -l app=web'],
  autoscale: ['# Between one and five replicas, so that their CPU is in use by half', 'kubectl autoscale deployment/web --min=1 --max=5 --cpu=50%', '', '# By memory per pod', 'kubectl autoscale deployment/web --max=5 --memory=200Mi'],
  scale: ['# Three replicas', 'kubectl scale deployment/web --replicas=3'],
  rollout: ['# Follow a rollout', 'kubectl rollout status deployment/web', '', '# Go back', 'kubectl rollout undo deployment/web'],
  logs: ['# The log of a pod', 'kubectl logs web', '', '# Follow one container', 'kubectl logs -f web -c side', '', '# What the container wrote before it was restarted', 'kubectl logs -p web'],
  exec: ['# One command', 'kubectl exec web -- ls /etc', '', '# A shell', 'kubectl exec -it web -- sh'],
  expose: ['# A Service for a deployment', 'kubectl expose deployment web --port=80 --target-port=8080'],
  cordon: ['# Keep new pods off a node', 'kubectl cordon drydock-worker'],
  drain: ['# Empty a node', 'kubectl drain drydock-worker --ignore-daemonsets'],
  label: ['# Add a label', 'kubectl label pod web tier=front', '', '# Remove it', 'kubectl label pod web tier-'],
  'port-forward': ['# Port 8080 of this machine leads to port 80 of a pod', 'kubectl port-forward pod/web 8080:80'],
}

const SELECTOR = 'Labels to filter by: key=value, key!=value, key in (a,b), key, !key. Several conditions are separated by commas.'

const FLAGS: Record<string, string> = {
  all: 'Take all resources of the given types in the namespace.', 'all-containers': 'Take the logs of all containers.', 'all-namespaces': 'Look into every namespace.', 'all-pods': 'Take the logs of all pods of the resource, marked with their names.',
  'allow-missing-template-keys': 'Let templates pass over missing fields and keys.', as: 'User to act as; service accounts are written system:serviceaccount:NAMESPACE:NAME.', 'as-group': 'Group to act as; may be repeated.', 'as-uid': 'UID to act as.', 'as-user-extra': 'Extra attribute to act with; may be repeated.',
  'cache-dir': 'Folder for cached answers.', cascade: 'What becomes of dependents: background, orphan or foreground.', 'certificate-authority': 'File with the certificate of the authority.', 'chunk-size': 'Ask for long lists in pieces of this size; 0 for all at once.',
  cpu: 'CPU to aim at: a share of what the pods request (70%), or an amount per pod (500m).', max: 'Most replicas that there may be.', memory: 'Memory to aim at: a share of what the pods request (60%), or an amount per pod (200Mi).', min: 'Fewest replicas that there may be; negative for the default of the server.',
  'client-certificate': 'File with the client certificate.', 'client-key': 'File with the key of the client certificate.', cluster: 'Cluster of the kubeconfig to use.', container: 'Name of the container.', context: 'Context of the kubeconfig to use.',
  'disable-compression': 'Ask for uncompressed answers.', 'dry-run': 'none, server or client: client only prints what would be sent, server lets the server check it without keeping it.', 'field-manager': 'Name under which the server notes who owns the fields.',
  'field-selector': 'Fields to filter by: key=value, key==value, key!=value. The server supports a few fields for each type.', filename: 'File, folder or URL with the resources; - for standard input.', follow: 'Keep printing what is written.', force: 'Delete at once, or recreate where an update is refused.',
  'force-conflicts': 'Take fields over from other managers.', 'grace-period': 'Seconds the resource has to end; negative for its own default.', 'ignore-not-found': 'Say nothing when the resource does not exist.', image: 'Image to run.', 'insecure-skip-tls-verify': 'Do not check the certificate of the server.',
  kubeconfig: 'Kubeconfig file to use.', kuberc: 'Preferences file to use; off for none.', kustomize: 'Folder with a kustomization.', 'label-columns': 'Labels to show as columns.', labels: 'Labels to set.', list: 'Show the current state.', local: 'Do not ask the server.',
  'match-server-version': 'Insist on a server of the same version.', namespace: 'Namespace to work in.', 'no-headers': 'Leave the headings out.', now: 'End the resource within a second.', output: 'Format of the output.', 'output-watch-events': 'Show the kind of each change.',
  overrides: 'JSON that is merged into the object before it is created.', overwrite: 'Allow existing values to be replaced.', password: 'Password for basic authentication.', 'pod-running-timeout': 'How long to wait for a pod to run.', port: 'Port of the container or service.',
  prefix: 'Mark every line with pod and container.', previous: 'Take the log of the container before its restart.', profile: 'Profile to record.', 'profile-output': 'File for the profile.', prune: 'Delete objects that were applied before and are no longer in the files.', quiet: 'Print less.',
  raw: 'Path to request as it is.', recursive: 'Take folders with all that is below them.', replicas: 'Number of replicas.', 'request-timeout': 'How long to wait for an answer; 0 for as long as it takes.', 'resource-version': 'Act only on this version of the object.', revision: 'Revision to look at.',
  'save-config': 'Keep the configuration in an annotation for a later apply.', selector: SELECTOR, server: 'Address of the API server.', 'server-print': 'Let the server choose the columns.', 'server-side': 'Let the server merge.', 'show-events': 'Show the events of the resource.', 'show-kind': 'Show the type before each name.',
  'show-labels': 'Show all labels in a last column.', 'show-managed-fields': 'Keep managedFields in JSON and YAML.', since: 'Only what is newer than this duration.', 'since-time': 'Only what is newer than this time.', 'sort-by': 'JSON path of the field to sort by.', stdin: 'Pass standard input to the container.',
  subresource: 'Subresource to act on.', tail: 'Only the last lines.', template: 'Template, or the file with it.', timeout: 'How long to wait; 0 for the default.', timestamps: 'Show the time of each line.', 'tls-server-name': 'Name to expect in the certificate of the server.', 'to-revision': 'Revision to go back to; 0 for the one before.', token: 'Bearer token for the server.',
  tty: 'Give the container a terminal.', type: 'Type of the object or patch.', user: 'User of the kubeconfig to use.', username: 'Name for basic authentication.', v: 'How much to log.', validate: 'strict, warn or ignore: what to do about unknown and duplicate fields.', verb: 'Verbs that the rule allows.', vmodule: 'How much to log for single source files.',
  'log-flush-frequency': 'Longest time between flushes of the log.', wait: 'Wait until the resources are gone.', 'warnings-as-errors': 'End with a failure when the server sent warnings.', watch: 'Keep printing changes.', 'watch-only': 'Print changes only.', help: 'Show help.',
}
