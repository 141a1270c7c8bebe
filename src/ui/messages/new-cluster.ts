/** Texts of the dialog that starts over, which come with it. */
export const newClusterTexts = {
  en: {
    further: 'Deleted with it, as they run on the same machine: {names}.', choose: 'The new cluster', failed: 'That didn’t work: {message}', exported: 'Saved as {file}.',
    nodes: 'Three nodes', 'nodes.for': 'A control plane and two workers, as kubeadm sets them up: what the lessons expect.',
    single: 'One node, as k3s sets it up', 'single.for': 'Everything on one machine, with Traefik, a load balancer for Services and metrics from the start: for trying an application out.',
    'high-availability': 'Three control planes', 'high-availability.for': 'Three machines with API server and etcd behind a load balancer, and two workers: for seeing what a cluster survives, and what it doesn’t.',
    'no-network': 'Three nodes without a pod network', 'no-network.for': 'Nodes stay NotReady until you install a network plugin yourself, such as flannel or Calico: for learning what one does.',
    'raspberry-pi': 'Four Raspberry Pis', 'raspberry-pi.for': 'A control plane and three workers with ARM processors: only images that were built for them run there.',
    'cri-o': 'Three nodes with CRI-O', 'cri-o.for': 'Another container runtime in containerd’s place: for seeing what changes with it, and what stays.',
  },
  de: {
    further: 'Mit ihm werden gelöscht, weil sie auf derselben Maschine laufen: {names}.', choose: 'Der neue Cluster', failed: 'Das hat nicht geklappt: {message}', exported: 'Gespeichert als {file}.',
    nodes: 'Drei Nodes', 'nodes.for': 'Eine Control Plane und zwei Worker, wie kubeadm sie einrichtet: was die Lektionen erwarten.',
    single: 'Ein Node, wie k3s ihn einrichtet', 'single.for': 'Alles auf einer Maschine, von Anfang an mit Traefik, einem Load Balancer für Services und Messwerten: um eine Anwendung auszuprobieren.',
    'high-availability': 'Drei Control Planes', 'high-availability.for': 'Drei Maschinen mit API-Server und etcd hinter einem Load Balancer und zwei Worker: um zu sehen, was ein Cluster übersteht und was nicht.',
    'no-network': 'Drei Nodes ohne Pod-Netz', 'no-network.for': 'Die Nodes bleiben NotReady, bis du selbst ein Netzwerk-Plugin installierst, etwa flannel oder Calico: um zu lernen, was es leistet.',
    'raspberry-pi': 'Vier Raspberry Pis', 'raspberry-pi.for': 'Eine Control Plane und drei Worker mit ARM-Prozessoren: Dort laufen nur Images, die für sie gebaut wurden.',
    'cri-o': 'Drei Nodes mit CRI-O', 'cri-o.for': 'Eine andere Container-Runtime anstelle von containerd: um zu sehen, was sich damit ändert und was bleibt.',
  },
} as const
