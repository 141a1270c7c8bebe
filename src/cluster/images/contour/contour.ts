import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Proc } from '../../../unix/types.ts'
import { defineImage } from '../image.ts'

const RELEASES = ['v1.32.5', 'v1.33.0', 'v1.33.1', 'v1.33.2', 'v1.33.3', 'v1.33.4', 'v1.33.5', 'v1.33.6', 'v1.33.7', 'v1.33.8']

const programOf = (release: string) => lazyProgram(async () => {
  const [{ UsageError }, { bootstrap }, { certgen }, { serve }, { shutdown, shutdownManager }] = await Promise.all([import('./flags.ts'), import('./bootstrap.ts'), import('./certgen.ts'), import('./serve.ts'), import('./shutdown-manager.ts')])
  return async (proc) => {
    const [command, ...args] = proc.argv.slice(1)
    try {
      switch (command) {
        case 'bootstrap': return await bootstrap(proc, args)
        case 'certgen': return await certgen(proc, args)
        case 'serve': return await serve(proc, args, release)
        case 'envoy':
          if (args[0] === 'shutdown-manager') return await shutdownManager(proc, args.slice(1))
          if (args[0] === 'shutdown') return await shutdown(proc, args.slice(1))
          break
        case 'version': return await version(proc, release)
      }
      throw new UsageError(command === undefined ? 'command not specified' : `expected command but got "${[command, ...args][command === 'envoy' ? 1 : 0] ?? ''}"`)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      await proc.stderr.write(`contour: error: ${error.message}, try --help\n`)
      return 1
    }
  }
})

async function version(proc: Proc, release: string): Promise<number> {
  await proc.stdout.write(`contour ${release}\n`)
  return 0
}

// @k8s part: Contour: its quickstart manifest is served, Ingresses and HTTPProxies with conditions, weights, includes, rewriting, TLS, retries and status; of HTTPProxy, TCP proxying, passthrough, client certificates, external authorization, JWT, rate limits, CORS, mirroring and health checks are refused in the status, ExtensionService, ContourConfiguration, Gateway API, compression, limits of connections and versions of TLS by annotations, and most figures are missing, flags that nothing follows are refused
/** Contour, the controller that tells Envoy what to do. */
export const contourImage = defineImage({
  repository: 'ghcr.io/projectcontour/contour', tags: RELEASES, sizeBytes: 22_000_000, entrypoint: [], user: '65532:65532', env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  variants: Object.fromEntries(RELEASES.map((tag) => [tag, { programs: { '/bin/contour': programOf(tag) } }])),
})
