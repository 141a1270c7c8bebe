import { describe, expect, test } from 'vitest'
import type { Proc } from '../../unix/types.ts'
import { execCredentials } from './exec-credential.ts'
import type { PluginPolicy } from './preferences.ts'

const API = 'client.authentication.k8s.io/v1'
const answer = (status: unknown) => JSON.stringify({ apiVersion: API, kind: 'ExecCredential', status })

/** A machine where the plugin prints these texts, one a start. */
function machine(outputs: string[], code = 0) {
  const starts: { argv: readonly string[]; info: any }[] = []
  let nowMs = 0
  const proc = {
    env: { PATH: '/bin' }, isTty: () => false, clock: { nowMs: () => nowMs }, resolve: (path: string) => path, stderr: { write: async () => {}, close() {} },
    fs: { stat: (path: string) => { if (path !== '/bin/cred') throw new Error('ENOENT'); return { type: 'file', mode: 0o755 } } },
    spawn(argv: readonly string[], options: any) {
      starts.push({ argv, info: JSON.parse(options.env['KUBERNETES_EXEC_INFO']) })
      return { wait: async () => { await options.stdout.write(outputs.shift() ?? ''); return { code } } }
    },
  }
  return { proc: proc as unknown as Proc, starts, pass: (ms: number) => { nowMs += ms } }
}
const anything: PluginPolicy = { policy: '', allowlist: undefined }
const config = (more: object = {}) => ({ command: 'cred', apiVersion: API, interactiveMode: 'Never', ...more })

describe('a credential plugin', () => {
  test('is started once, told of the cluster, and its token is used until it expires', async () => {
    const { proc, starts, pass } = machine([answer({ token: 'a', expirationTimestamp: '1970-01-01T00:01:00Z' }), answer({ token: 'b' })])
    const source = execCredentials(proc, config({ args: ['x'], provideClusterInfo: true }), { server: 'https://api' }, anything)
    expect((await source.get()).headers).toEqual([['Authorization', 'Bearer a']])
    await source.get()
    expect(starts).toEqual([{ argv: ['cred', 'x'], info: { kind: 'ExecCredential', apiVersion: API, spec: { cluster: { server: 'https://api', config: null }, interactive: false } } }])
    pass(61_000)
    expect((await source.get()).headers).toEqual([['Authorization', 'Bearer b']])
  })

  test('is asked again when the server refuses', async () => {
    const { proc } = machine([answer({ token: 'old' }), answer({ clientCertificateData: 'C', clientKeyData: 'K' })])
    const source = execCredentials(proc, config(), {}, anything)
    await source.refused(await source.get())
    expect(await source.get()).toEqual({ headers: [], tls: { clientCertificatePem: 'C', clientKeyPem: 'K' } })
  })

  test.each([
    [answer(undefined), "exec plugin didn't return a status field"],
    [answer({}), "exec plugin didn't return a token or cert/key pair"],
    [answer({ clientKeyData: 'K' }), 'exec plugin returned only certificate or key, not both'],
    ['', `exec plugin is configured to use API version ${API}, plugin returned version client.authentication.k8s.io/__internal`],
  ])('%s is refused', async (output, message) => {
    await expect(execCredentials(machine([output]).proc, config(), {}, anything).get()).rejects.toThrow(message)
  })

  test('may be forbidden by the preferences', async () => {
    const { proc } = machine([answer({ token: 'a' })])
    await expect(execCredentials(proc, config(), {}, { policy: 'DenyAll', allowlist: undefined }).get()).rejects.toThrow('plugin "cred" not allowed: policy set to "DenyAll"')
    await expect(execCredentials(proc, config(), {}, { policy: 'Allowlist', allowlist: [{ command: 'other' }] }).get()).rejects.toThrow('plugin path "/bin/cred" is not permitted by the credential plugin allowlist')
    await expect(execCredentials(proc, config(), {}, { policy: 'Allowlist', allowlist: [{ command: '/bin/cred' }] }).get()).resolves.toMatchObject({ headers: [['Authorization', 'Bearer a']] })
  })
})
