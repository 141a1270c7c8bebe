import { expect, it } from 'vitest'
import { startLab } from './lab.ts'
import { METRICS_SERVER } from './metrics-server-manifest.ts'

it('metrics-server, installed from its manifest, feeds kubectl top', { timeout: 60_000 }, async () => {
  const lab = await startLab('metrics-server')
  try {
    expect((await lab.run('kubectl top nodes')).stderr).toBe('error: Metrics API not available\n')
    lab.writeFile('components.yaml', METRICS_SERVER)
    expect(await lab.run('kubectl apply -f components.yaml && kubectl wait --for=condition=Available apiservice/v1beta1.metrics.k8s.io --timeout=120s')).toMatchObject({ code: 0 })
    await lab.run('sleep 30')
    expect((await lab.run('kubectl top nodes --no-headers')).stdout).toMatch(/^drydock-control-plane +\d+m +\d+% +\d+Mi +\d+% +\ndrydock-worker +\d+m/)
    expect((await lab.run('kubectl top pods -n kube-system --no-headers')).stdout).toMatch(/^coredns-\S+ +\d+m +\d+Mi/)
    expect((await lab.run('kubectl top pod nobody')).stderr).toBe('Error from server (NotFound): podmetrics.metrics.k8s.io "default/nobody" not found\n')
    expect((await lab.run('kubectl api-resources --api-group=metrics.k8s.io --no-headers')).stdout.split('\n').map((line) => line.split(/ +/).at(-1)).filter(Boolean)).toEqual(['NodeMetrics', 'PodMetrics'])
  } finally {
    await lab.stop()
  }
})

it('kubelets answer whoever the API server allows, with a certificate of their own making', { timeout: 60_000 }, async () => {
  const lab = await startLab('kubelet-port')
  try {
    await lab.run('kubectl run c --image=curlimages/curl --restart=Never --command -- sleep 1000 && kubectl wait --for=condition=Ready pod/c --timeout=60s')
    const curl = async (options: string) => (await lab.run(`kubectl exec c -- sh -c 'curl -sS ${options} https://10.89.0.3:10250/metrics/resource'`)).stdout
    const asAccount = '-k -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)"'
    expect((await lab.run("kubectl exec c -- curl -sS https://10.89.0.3:10250/")).stderr).toContain('SSL certificate problem: self-signed certificate in certificate chain')
    expect(await curl('-k')).toBe('Unauthorized')
    expect(await curl(asAccount)).toBe('Forbidden (user=system:serviceaccount:default:default, verb=get, resource=nodes, subresource(s)=[metrics])\n')
    await lab.run('kubectl create clusterrole m --verb=get --resource=nodes/metrics && kubectl create clusterrolebinding m --clusterrole=m --serviceaccount=default:default && sleep 31')
    expect(await curl(asAccount)).toMatch(/^# HELP container_cpu_usage_seconds_total [^]*\nnode_cpu_usage_seconds_total \S+ \d+\n/)
    expect((await lab.run('kubectl exec c -- curl -sS --cacert /var/run/secrets/kubernetes.io/serviceaccount/ca.crt https://kubernetes.default.svc/livez -w " %{http_version}"')).stdout).toBe('ok 2')
  } finally {
    await lab.stop()
  }
})
