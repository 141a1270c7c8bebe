import fs from 'node:fs'
import path from 'node:path'

/** metrics-server's manifest with the flag that clusters need whose kubelets sign their certificates themselves. */
export const METRICS_SERVER = fs.readFileSync(path.join(import.meta.dirname, 'manifests/metrics-server.yaml'), 'utf8')
  .replace('        - --metric-resolution=15s\n', '        - --metric-resolution=15s\n        - --kubelet-insecure-tls\n')
