/** Examples of each command; an empty line parts them. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  annotate: `
# Describe a pod
kubectl annotate pods web description='the shop'

# Replace what is there
kubectl annotate --overwrite pods web description='the new shop'

# All pods of the namespace
kubectl annotate pods --all team=blue

# Remove an annotation
kubectl annotate pods web description-`,
  'api-resources': `
# All resources
kubectl api-resources

# With verbs and categories
kubectl api-resources -o wide

# What is outside of namespaces
kubectl api-resources --namespaced=false

# One group
kubectl api-resources --api-group=apps`,
  'api-versions': `
# All versions
kubectl api-versions`,
  apply: `
# Apply a file
kubectl apply -f web.yaml

# Apply all files of a folder
kubectl apply -f manifests/

# Apply a kustomization
kubectl apply -k overlays/test

# Apply what another program prints
cat web.yaml | kubectl apply -f -

# Apply, and delete what left the files
kubectl apply --prune -f manifests/ -l app=web`,
  'apply edit-last-applied': `
# Edit the last applied configuration of a deployment
kubectl apply edit-last-applied deployment/web

# As JSON
kubectl apply edit-last-applied -f web.yaml -o json`,
  'apply set-last-applied': `
# Take the file as last applied
kubectl apply set-last-applied -f web.yaml

# Also for objects that were never applied
kubectl apply set-last-applied -f web.yaml --create-annotation=true`,
  'apply view-last-applied': `
# By type and name, in YAML
kubectl apply view-last-applied deployment/web

# By file, in JSON
kubectl apply view-last-applied -f web.yaml -o json`,
  attach: `
# The output of the pod's container
kubectl attach web

# Of a certain container
kubectl attach web -c side

# With a terminal
kubectl attach web -c side -i -t

# Of the first pod of a deployment
kubectl attach deployment/web`,
  'auth can-i': `
# May I create pods anywhere?
kubectl auth can-i create pods --all-namespaces

# May I list deployments here?
kubectl auth can-i list deployments.apps

# May a service account read secrets?
kubectl auth can-i get secrets --as=system:serviceaccount:dev:builder -n dev

# May I read logs?
kubectl auth can-i get pods --subresource=log

# May I reach a path?
kubectl auth can-i get /logs/

# All that I may do in a namespace
kubectl auth can-i --list --namespace=dev`,
  'auth reconcile': `
# Bring roles and bindings in line with a file
kubectl auth reconcile -f rbac.yaml`,
  'auth whoami': `
# Who am I?
kubectl auth whoami

# As JSON
kubectl auth whoami -o json`,
  autoscale: `
# Between one and five replicas, so that their CPU is in use by half
kubectl autoscale deployment/web --min=1 --max=5 --cpu=50%

# By memory per pod
kubectl autoscale deployment/web --max=5 --memory=200Mi`,
  'certificate approve': `
# Approve a request
kubectl certificate approve alice`,
  'certificate deny': `
# Deny a request
kubectl certificate deny alice`,
  'cluster-info': `
# Where control plane and services of the cluster answer
kubectl cluster-info`,
  'cluster-info dump': `
# To standard output
kubectl cluster-info dump

# Into files
kubectl cluster-info dump --output-directory=/tmp/state

# Every namespace
kubectl cluster-info dump --all-namespaces

# Some namespaces
kubectl cluster-info dump --namespaces default,dev`,
  completion: `
# bash, for this shell
source <(kubectl completion bash)

# bash, for each shell
echo 'source <(kubectl completion bash)' >> ~/.bashrc

# zsh, for this shell
source <(kubectl completion zsh)

# fish, for this shell
kubectl completion fish | source

# PowerShell, for this shell
kubectl completion powershell | Out-String | Invoke-Expression`,
  'config current-context': `
# The current context
kubectl config current-context`,
  'config delete-cluster': `
# Remove a cluster
kubectl config delete-cluster test`,
  'config delete-context': `
# Remove a context
kubectl config delete-context test`,
  'config delete-user': `
# Remove a user
kubectl config delete-user alice`,
  'config get-clusters': `
# Names of all clusters
kubectl config get-clusters`,
  'config get-contexts': `
# All contexts
kubectl config get-contexts

# One context
kubectl config get-contexts test`,
  'config get-users': `
# Names of all users
kubectl config get-users`,
  'config rename-context': `
# Rename a context
kubectl config rename-context test staging`,
  'config set': `
# The server of a cluster
kubectl config set clusters.test.server https://10.0.0.1:6443

# Its certificate authority, as base64
kubectl config set clusters.test.certificate-authority-data $(base64 -w0 ca.crt)

# The cluster of a context
kubectl config set contexts.test.cluster test`,
  'config set-cluster': `
# The server of a cluster
kubectl config set-cluster test --server=https://10.0.0.1:6443

# With the certificate of its authority in the kubeconfig
kubectl config set-cluster test --embed-certs --certificate-authority=ca.crt

# Without a check of its certificate
kubectl config set-cluster test --insecure-skip-tls-verify=true`,
  'config set-context': `
# The user of a context
kubectl config set-context test --user=alice

# The namespace of the current context
kubectl config set-context --current --namespace=dev`,
  'config set-credentials': `
# A client certificate, kept in the kubeconfig
kubectl config set-credentials alice --client-certificate=alice.crt --client-key=alice.key --embed-certs=true

# A token
kubectl config set-credentials bot --token=bearer_token

# A credential plugin
kubectl config set-credentials cloud --exec-command=/usr/bin/get-token --exec-api-version=client.authentication.k8s.io/v1`,
  'config unset': `
# Have no current context
kubectl config unset current-context

# The namespace of a context
kubectl config unset contexts.test.namespace`,
  'config use-context': `
# Work with another cluster
kubectl config use-context test`,
  'config view': `
# The merged kubeconfig
kubectl config view

# With certificates and secrets
kubectl config view --raw

# What the current context uses
kubectl config view --minify

# The password of a user
kubectl config view --raw -o jsonpath='{.users[?(@.name == "alice")].user.password}'`,
  cordon: `
# Keep new pods off a node
kubectl cordon drydock-worker`,
  cp: `
# A folder into a pod
kubectl cp site web:/usr/share/nginx/html/site

# A file into a certain container
kubectl cp nginx.conf web:/etc/nginx/nginx.conf -c nginx

# A file into a pod of another namespace
kubectl cp data.csv dev/db:/tmp/data.csv

# A file out of a pod
kubectl cp dev/db:/tmp/out.csv out.csv

# With links, by tar
kubectl exec -n dev db -- tar cf - /srv | tar xf - -C /tmp/srv`,
  create: `
# What a file describes
kubectl create -f web.yaml

# What another program prints
cat web.yaml | kubectl create -f -

# Change it in an editor first
kubectl create -f web.yaml --edit`,
  'create clusterrole': `
# Read pods everywhere
kubectl create clusterrole pod-reader --verb=get,list,watch --resource=pods

# Read one of them
kubectl create clusterrole pod-reader --verb=get --resource=pods --resource-name=web

# Change the scale of deployments
kubectl create clusterrole scaler --verb=update --resource=deployments.apps/scale

# Read a path
kubectl create clusterrole log-reader --verb=get --non-resource-url=/logs/*

# Gather the rules of others
kubectl create clusterrole monitoring --aggregation-rule="monitoring=true"`,
  'create clusterrolebinding': `
# Make a user an administrator
kubectl create clusterrolebinding alice-admin --clusterrole=cluster-admin --user=alice`,
  'create configmap': `
# The files of a folder
kubectl create configmap web --from-file=conf.d

# One file under another key
kubectl create configmap web --from-file=main.conf=nginx.conf

# Literals
kubectl create configmap web --from-literal=colour=blue --from-literal=size=3

# Lines of a file
kubectl create configmap web --from-env-file=web.env`,
  'create cronjob': `
# Every minute
kubectl create cronjob tick --image=busybox --schedule="*/1 * * * *"

# With a command
kubectl create cronjob tick --image=busybox --schedule="*/1 * * * *" -- date`,
  'create deployment': `
# A web server
kubectl create deployment web --image=nginx

# Three of them
kubectl create deployment web --image=nginx --replicas=3

# With a port
kubectl create deployment web --image=nginx --port=80

# With a command
kubectl create deployment idle --image=busybox -- sleep 3600

# With two containers
kubectl create deployment pair --image=busybox:1.36 --image=nginx`,
  'create ingress': `
# One path of a host
kubectl create ingress shop --rule="shop.example/cart=cart:80"

# All paths below one, with TLS
kubectl create ingress shop --class=nginx --rule="shop.example/*=web:80,tls=shop-cert"

# What no rule matches
kubectl create ingress shop --default-backend=web:http

# With annotations
kubectl create ingress shop --rule="shop.example/=web:80" --annotation nginx.ingress.kubernetes.io/rewrite-target=/`,
  'create job': `
# A job
kubectl create job once --image=busybox

# With a command
kubectl create job once --image=busybox -- date

# As a cron job makes it
kubectl create job now --from=cronjob/tick`,
  'create namespace': `
# A namespace
kubectl create namespace dev`,
  'create poddisruptionbudget': `
# One pod at any time
kubectl create poddisruptionbudget web --selector=app=web --min-available=1

# Half of them
kubectl create pdb web --selector=app=web --min-available=50%`,
  'create priorityclass': `
# A high priority
kubectl create priorityclass high --value=1000 --description="before others"

# The priority of pods that name none
kubectl create priorityclass normal --value=100 --global-default=true

# Push nobody away
kubectl create priorityclass polite --value=1000 --preemption-policy="Never"`,
  'create quota': `
# Limit a namespace
kubectl create quota small --hard=cpu=1,memory=1Gi,pods=2,services=3

# For pods without requests
kubectl create quota best-effort --hard=pods=100 --scopes=BestEffort`,
  'create role': `
# Read pods
kubectl create role pod-reader --verb=get --verb=list --verb=watch --resource=pods

# Read two of them
kubectl create role pod-reader --verb=get --resource=pods --resource-name=web --resource-name=db

# A resource of a group, and a subresource
kubectl create role reader --verb=get,list --resource=deployments.apps,pods/log`,
  'create rolebinding': `
# Let a user administer a namespace
kubectl create rolebinding alice-admin --clusterrole=admin --user=alice -n dev

# Let a service account read pods
kubectl create rolebinding reader --role=pod-reader --serviceaccount=dev:builder -n dev`,
  'create secret docker-registry': `
# From name and password
kubectl create secret docker-registry registry --docker-server=registry.example --docker-username=alice --docker-password=secret

# From a file that docker login wrote
kubectl create secret docker-registry registry --from-file=config.json`,
  'create secret generic': `
# The files of a folder
kubectl create secret generic keys --from-file=keys/

# One file under another key
kubectl create secret generic keys --from-file=id=id_rsa

# A literal
kubectl create secret generic db --from-literal=password=hunter2

# Lines of a file
kubectl create secret generic db --from-env-file=db.env`,
  'create secret tls': `
# Certificate and key
kubectl create secret tls web --cert=web.crt --key=web.key`,
  'create service clusterip': `
# A service
kubectl create service clusterip web --tcp=80:8080

# A headless one
kubectl create service clusterip web --clusterip="None"`,
  'create service externalname': `
# A name outside of the cluster
kubectl create service externalname db --external-name db.example`,
  'create service loadbalancer': `
# A service with a load balancer
kubectl create service loadbalancer web --tcp=80:8080`,
  'create service nodeport': `
# A service on a port of every node
kubectl create service nodeport web --tcp=80:8080`,
  'create serviceaccount': `
# A service account
kubectl create serviceaccount builder`,
  'create token': `
# A token of a service account of this namespace
kubectl create token builder

# Of another namespace
kubectl create token builder --namespace dev

# For ten minutes
kubectl create token builder --duration 10m

# For someone else than the API server
kubectl create token builder --audience https://example.org

# That ends with a secret
kubectl create token builder --bound-object-kind Secret --bound-object-name builder-key`,
  debug: `
# A shell beside the containers of a pod
kubectl debug web -it --image=busybox

# Which sees the processes of one of them
kubectl debug web -it --image=busybox --target=nginx

# In a copy of the pod
kubectl debug web -it --image=busybox --copy-to=web-debug

# A copy in which a container starts with a shell
kubectl debug web -it --copy-to=web-debug --container=nginx -- sh

# A copy with other images
kubectl debug web --copy-to=web-debug --set-image=*=busybox

# A shell on a node, whose files are at /host
kubectl debug node/drydock-worker -it --image=busybox`,
  delete: `
# What a file describes
kubectl delete -f web.yaml

# By name
kubectl delete pod/web service/web

# By label
kubectl delete pods,services -l app=web

# All pods of the namespace
kubectl delete pods --all

# At once
kubectl delete pod web --now

# A pod on a node that is dead
kubectl delete pod web --force`,
  describe: `
# A node
kubectl describe nodes drydock-worker

# A pod
kubectl describe pods/web

# What a file describes
kubectl describe -f web.yaml

# All pods
kubectl describe pods

# By label
kubectl describe pods -l app=web`,
  diff: `
# What an apply of this file would change
kubectl diff -f web.yaml

# From standard input
cat web.yaml | kubectl diff -f -`,
  drain: `
# Empty a node
kubectl drain drydock-worker --ignore-daemonsets

# Also of pods that do not come back
kubectl drain drydock-worker --ignore-daemonsets --force

# Give the pods a quarter of an hour
kubectl drain drydock-worker --ignore-daemonsets --grace-period=900`,
  edit: `
# A service
kubectl edit svc/web

# With another editor
KUBE_EDITOR="nano" kubectl edit svc/web

# As JSON
kubectl edit deployment/web -o json

# The status
kubectl edit deployment web --subresource='status'`,
  events: `
# Of this namespace
kubectl events

# Of every namespace
kubectl events --all-namespaces

# Of a pod, as they come
kubectl events --for pod/web --watch

# As YAML
kubectl events -oyaml

# Certain types only
kubectl events --types=Warning`,
  exec: `
# One command
kubectl exec web -- ls /etc

# In a certain container
kubectl exec web -c side -- date

# A shell
kubectl exec -it web -- sh

# In a pod of a deployment or a service
kubectl exec deploy/web -- date
kubectl exec svc/web -- date`,
  explain: `
# A resource
kubectl explain pods

# With all its fields
kubectl explain pods --recursive

# In a certain version
kubectl explain deployments --api-version=apps/v1

# One field
kubectl explain pods.spec.containers`,
  expose: `
# A Service for a deployment
kubectl expose deployment web --port=80 --target-port=8080

# For a pod, under another name
kubectl expose pod web --port=444 --name=front

# For another Service, with another port
kubectl expose service web --port=443 --target-port=8443 --name=web-tls

# For what a file describes
kubectl expose -f web.yaml --port=80`,
  get: `
# All pods
kubectl get pods

# With the nodes they run on
kubectl get pods -o wide

# One deployment as YAML
kubectl get deployment web -o yaml

# What a file describes
kubectl get -f web.yaml -o json

# One field
kubectl get pod web -o jsonpath='{.status.phase}'

# Columns of your own
kubectl get pods -o custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[0].image

# Several types
kubectl get deployments,services

# The pods with a label, as they change
kubectl get pods -l app=web -w`,
  'kuberc set': `
# What get prints by default
kubectl kuberc set --section defaults --command get --option output=wide

# An alias
kubectl kuberc set --section aliases --name machines --command get --prependarg nodes --option show-labels=true

# Let no credential plugin run
kubectl kuberc set --section credentialplugin --policy=DenyAll`,
  'kuberc view': `
# The preferences
kubectl kuberc view

# As JSON
kubectl kuberc view --output json

# Of a file
kubectl kuberc view --kuberc team.kuberc`,
  kustomize: `
# The current folder
kubectl kustomize

# A folder
kubectl kustomize overlays/test`,
  label: `
# Add a label
kubectl label pod web tier=front

# Replace it
kubectl label --overwrite pods web tier=back

# All pods of the namespace
kubectl label pods --all team=blue

# Remove it
kubectl label pod web tier-`,
  logs: `
# The log of a pod
kubectl logs web

# Of all its containers
kubectl logs web --all-containers=true

# Of all pods of a deployment
kubectl logs deployment/web --all-pods=true

# By label
kubectl logs -l app=web --all-containers=true

# Follow one container
kubectl logs -f web -c side

# What the container wrote before it was restarted
kubectl logs -p web

# The last lines
kubectl logs --tail=20 web

# The last hour
kubectl logs --since=1h web`,
  patch: `
# One field
kubectl patch node drydock-worker -p '{"spec":{"unschedulable":true}}'

# What a file describes
kubectl patch -f web.yaml -p '{"spec":{"replicas":2}}'

# The image of a container
kubectl patch pod web -p '{"spec":{"containers":[{"name":"nginx","image":"nginx:1.29"}]}}'

# By a JSON patch
kubectl patch pod web --type='json' -p='[{"op":"replace","path":"/spec/containers/0/image","value":"nginx:1.29"}]'

# The number of replicas, as the scale subresource tells it
kubectl patch deployment web --subresource='scale' --type='merge' -p '{"spec":{"replicas":2}}'`,
  kuberc: `
# The preferences
kubectl kuberc view

# What get prints by default
kubectl kuberc set --section defaults --command get --option output=wide`,
  plugin: `
# All plugins
kubectl plugin list

# Their names only
kubectl plugin list --name-only`,
  'plugin list': `
# All plugins
kubectl plugin list

# Their names only
kubectl plugin list --name-only`,
  'port-forward': `
# Port 8080 of this machine leads to port 80 of a pod
kubectl port-forward pod/web 8080:80

# Of a pod of a deployment
kubectl port-forward deployment/web 8080:80

# By the port's name in a Service
kubectl port-forward service/web 8443:https

# For other machines, too
kubectl port-forward --address 0.0.0.0 pod/web 8080:80

# Any free port
kubectl port-forward pod/web :80`,
  proxy: `
# On port 8001
kubectl proxy

# On any free port
kubectl proxy --port=0

# With files at /static/
kubectl proxy --www=site/ --www-prefix=/static/ --api-prefix=/k8s/

# Only pods
kubectl proxy --accept-paths='^/api/v1/pods'`,
  replace: `
# What a file describes
kubectl replace -f web.yaml

# Another image, by way of sed
kubectl get pod web -o yaml | sed 's/\\(image: nginx\\):.*$/\\1:1.29/' | kubectl replace -f -

# Delete it first
kubectl replace --force -f web.yaml`,
  rollout: `
# Follow a rollout
kubectl rollout status deployment/web

# Go back
kubectl rollout undo deployment/web

# Replace all pods
kubectl rollout restart deployment -l app=web`,
  'rollout history': `
# The revisions
kubectl rollout history deployment/web

# One of them
kubectl rollout history daemonset/agent --revision=3`,
  'rollout pause': `
# Hold a rollout
kubectl rollout pause deployment/web`,
  'rollout restart': `
# All deployments of a namespace
kubectl rollout restart deployment -n dev

# One deployment
kubectl rollout restart deployment/web

# By label
kubectl rollout restart deployment --selector=app=web`,
  'rollout resume': `
# Continue a rollout
kubectl rollout resume deployment/web`,
  'rollout status': `
# Follow a rollout
kubectl rollout status deployment/web`,
  'rollout undo': `
# To the revision before
kubectl rollout undo deployment/web

# To a certain one
kubectl rollout undo daemonset/agent --to-revision=3

# See what would become of it
kubectl rollout undo --dry-run=server deployment/web`,
  run: `
# A web server
kubectl run web --image=nginx

# With a port
kubectl run web --image=nginx --port=80

# With variables and labels
kubectl run web --image=nginx --env="COLOUR=blue" --labels="app=web,tier=front"

# Print what would be created
kubectl run web --image=nginx --dry-run=client -o yaml

# A shell that is gone when you leave it
kubectl run -it --rm box --image=busybox --restart=Never -- sh

# With a command of your own
kubectl run web --image=nginx --command -- nginx -g 'daemon off;'`,
  scale: `
# Three replicas
kubectl scale deployment/web --replicas=3

# What a file describes
kubectl scale --replicas=3 -f web.yaml

# Only from two to three
kubectl scale --current-replicas=2 --replicas=3 deployment/web

# Several
kubectl scale --replicas=5 deployment/web deployment/shop`,
  'set env': `
# Set a variable
kubectl set env deployment/web COLOUR=blue

# Show the variables
kubectl set env deployment/web --list

# Of all pods
kubectl set env pods --all --list

# Remove one of a container
kubectl set env deployments --all --containers="nginx" COLOUR-

# Take all keys of a secret
kubectl set env --from=secret/db deployment/web

# Take some keys, with a prefix
kubectl set env --from=configmap/web --keys=colour,size --prefix=WEB_ deployment/web`,
  'set image': `
# One container
kubectl set image deployment/web nginx=nginx:1.29

# Two containers
kubectl set image deployment/web nginx=nginx:1.29 side=busybox:1.37

# All containers
kubectl set image daemonset agent *=nginx:1.29

# In a file, without a server
kubectl set image -f web.yaml nginx=nginx:1.29 --local -o yaml`,
  'set resources': `
# Limits of one container
kubectl set resources deployment web -c=nginx --limits=cpu=200m,memory=512Mi

# Requests and limits of all containers
kubectl set resources deployment web --limits=cpu=200m,memory=512Mi --requests=cpu=100m,memory=256Mi

# Remove them
kubectl set resources deployment web --limits=cpu=0,memory=0 --requests=cpu=0,memory=0`,
  'set selector': `
# A Service for other pods
kubectl set selector service web 'app=web,version=2'`,
  'set serviceaccount': `
# The service account of a deployment
kubectl set serviceaccount deployment web builder

# Print what would be changed
kubectl set sa -f web.yaml builder --local --dry-run=client -o yaml`,
  'set subject': `
# Add a service account
kubectl set subject clusterrolebinding admin --serviceaccount=dev:builder

# Add users and a group
kubectl set subject rolebinding admin --user=alice --user=bob --group=ops`,
  taint: `
# Add a taint, or replace its value
kubectl taint nodes drydock-worker dedicated=gpu:NoSchedule

# Remove it
kubectl taint nodes drydock-worker dedicated:NoSchedule-

# Remove all taints with a key
kubectl taint nodes drydock-worker dedicated-

# Of nodes with a label
kubectl taint node -l tier=back dedicated=back:PreferNoSchedule`,
  'top node': `
# All nodes
kubectl top node

# One node
kubectl top node drydock-worker`,
  'top pod': `
# The pods of this namespace
kubectl top pod

# Of a namespace
kubectl top pod --namespace=dev

# The containers of a pod
kubectl top pod web --containers

# By label
kubectl top pod -l app=web`,
  uncordon: `
# Let pods onto a node again
kubectl uncordon drydock-worker`,
  version: `
# Of client and server
kubectl version`,
  wait: `
# Until a pod is ready
kubectl wait --for=condition=Ready pod/web

# Until a condition is false
kubectl wait --for=condition=Ready=false pod/web

# Until it runs
kubectl wait --for=jsonpath='{.status.phase}'=Running pod/web

# Until a service has the address of its load balancer
kubectl wait --for=jsonpath='{.status.loadBalancer.ingress}' service/web

# Until something is there
kubectl wait --for=create secret/token --timeout=30s

# Until it is gone, for a minute
kubectl delete pod/web
kubectl wait --for=delete pod/web --timeout=60s`,
}
