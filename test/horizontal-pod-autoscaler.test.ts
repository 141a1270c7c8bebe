import { expect, it } from 'vitest'
import { startLab } from './lab.ts'
import { METRICS_SERVER } from './metrics-server-manifest.ts'

const PHP_APACHE = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: php-apache
spec:
  selector:
    matchLabels:
      run: php-apache
  template:
    metadata:
      labels:
        run: php-apache
    spec:
      containers:
      - name: php-apache
        image: registry.k8s.io/hpa-example
        ports:
        - containerPort: 80
        resources:
          limits:
            cpu: 500m
          requests:
            cpu: 200m
---
apiVersion: v1
kind: Service
metadata:
  name: php-apache
  labels:
    run: php-apache
spec:
  ports:
  - port: 80
  selector:
    run: php-apache
`

it('a Deployment under load is scaled out, and back in five minutes after the load has gone', { timeout: 120_000 }, async () => {
  const lab = await startLab('horizontal-pod-autoscaler')
  const seconds = (count: number) => lab.run(`sleep ${count}`, { withinMs: count * 1000 + 60_000 })
  try {
    lab.writeFile('php-apache.yaml', PHP_APACHE)
    await lab.run('kubectl apply -f php-apache.yaml && kubectl autoscale deployment php-apache --cpu=50% --min=1 --max=10')
    await seconds(20)
    // Nobody serves metrics yet.
    expect((await lab.run('kubectl get hpa php-apache --no-headers')).stdout).toMatch(/^php-apache   Deployment\/php-apache   cpu: <unknown>\/50%   1     10    1     \d+s\n$/)
    expect((await lab.run('kubectl get events --field-selector involvedObject.kind=HorizontalPodAutoscaler -o custom-columns=:.reason,:.message --no-headers --sort-by=.reason')).stdout.replace(/ {2,}/g, ' ')).toBe([
      'FailedComputeMetricsReplicas invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
      'FailedGetResourceMetric failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)', '',
    ].join('\n'))
    lab.writeFile('components.yaml', METRICS_SERVER)
    await lab.run('kubectl apply -f components.yaml && kubectl wait --for=condition=Available apiservice/v1beta1.metrics.k8s.io --timeout=120s')
    await seconds(60)
    expect((await lab.run('kubectl get hpa php-apache --no-headers')).stdout).toMatch(/ cpu: \d%\/50% +1 +10 +1 /)

    await lab.run(`kubectl run load-generator --image=busybox:1.28 --restart=Never -- /bin/sh -c 'while sleep 0.01; do wget -q -O- http://php-apache; done'`)
    await seconds(90)
    const busy = (await lab.run('kubectl get deployment php-apache -o jsonpath={.status.replicas}')).stdout
    expect(Number(busy)).toBeGreaterThan(3)
    const described = (await lab.run('kubectl describe hpa php-apache')).stdout
    expect(described).toMatch(/resource cpu on pods {2}\(as a percentage of request\): {2}\d+% \(\d+m\) \/ 50%\n/)
    expect(described).toMatch(/ScalingActive +True +ValidMetricFound +the HPA was able to successfully calculate a replica count from cpu resource utilization \(percentage of request\)\n/)
    expect(described).toMatch(/Normal +SuccessfulRescale .* horizontal-pod-autoscaler {2}New size: \d+; reason: cpu resource utilization \(percentage of request\) above target\n/)

    expect((await lab.run('kubectl describe hpa.v1.autoscaling php-apache')).stdout).toBe((await lab.run('kubectl describe hpa php-apache')).stdout)

    await lab.run('kubectl delete pod load-generator --now')
    await seconds(240)
    expect((await lab.run('kubectl get deployment php-apache -o jsonpath={.status.replicas}')).stdout).toBe(busy)
    expect((await lab.run('kubectl describe hpa php-apache')).stdout).toMatch(/AbleToScale +True +ScaleDownStabilized +recent recommendations were higher than current one, applying the highest recent recommendation\n/)
    await seconds(240)
    expect((await lab.run('kubectl get hpa php-apache --no-headers')).stdout).toMatch(/ cpu: \d%\/50% +1 +10 +1 /)
    expect((await lab.run('kubectl describe hpa php-apache')).stdout).toContain('New size: 1; reason: All metrics below target')
  } finally {
    await lab.stop()
  }
})
