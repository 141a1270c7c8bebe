import { lazyProgram } from '../../unix/lazy-program.ts'
import type { Program } from '../../unix/types.ts'
import type { ProviderOptions } from './provider-options.ts'

/** Programs of the learner's machine that make clusters, by their paths. Their code is loaded when they are started for the first time. */
export function clusterPrograms(options: ProviderOptions): Readonly<Record<string, Program>> {
  return {
    '/usr/local/bin/kind': lazyProgram(async () => (await import('../kind/kind.ts')).kind(options)),
    '/usr/local/bin/minikube': lazyProgram(async () => (await import('../minikube/minikube.ts')).minikube(options)),
    '/usr/bin/gcloud': lazyProgram(async () => (await import('../cloud/gcloud.ts')).gcloud(options)),
    '/usr/bin/az': lazyProgram(async () => (await import('../cloud/az.ts')).az(options)),
    '/usr/local/bin/eksctl': lazyProgram(async () => (await import('../cloud/eksctl.ts')).eksctl(options)),
  }
}
