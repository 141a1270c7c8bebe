import type { Program } from '../../../unix/types.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'
import { apacheNotFound, runApache } from './apache.ts'

/** What a million square roots cost in PHP 5, milliseconds of one core. */
const PAGE_CPU_MS = 70
const PAGE = `<?php
  $x = 0.0001;
  for ($i = 0; $i <= 1000000; $i++) {
    $x += sqrt($x);
  }
  echo "OK!";
?>
`

/** Apache with a page that is nothing but work. Requests share the CPU that the container may use: under load they wait for one another. */
const apache: Program = async (proc) => {
  const share = Math.min(1, (proc.machine.limits.cpuMillis ?? 1000) / 1000)
  let freeMs = 0
  proc.useMemory(9 * 2 ** 20)
  proc.useCpuSteadily(1)
  return runApache(proc, {
    server: 'Apache/2.4.10 (Debian)', modules: 'PHP/5.6.14', commandLine: 'apache2 -D FOREGROUND',
    async answer(_, { pathname }) {
      if (pathname !== '/' && pathname !== '/index.php') return apacheNotFound()
      const nowMs = proc.clock.nowMs()
      freeMs = Math.max(freeMs, nowMs) + PAGE_CPU_MS / share
      await proc.sleep(freeMs - nowMs)
      proc.useCpu(PAGE_CPU_MS * 1e6)
      return { status: 200, type: 'text/html; charset=UTF-8', body: 'OK!', headers: { 'x-powered-by': 'PHP/5.6.14' } }
    },
  })
}

/** The image of the documentation's walkthrough of the HorizontalPodAutoscaler. */
export const hpaExampleImage = defineImage({
  repository: 'registry.k8s.io/hpa-example', tags: ['latest'], sizeBytes: 180_000_000, base: debian, entrypoint: ['apache2-foreground'], workingDir: '/var/www/html', exposedPorts: [80],
  files: { '/var/www/html/index.php': PAGE }, programs: { '/usr/local/bin/apache2-foreground': apache },
})
