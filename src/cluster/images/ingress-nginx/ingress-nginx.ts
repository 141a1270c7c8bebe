import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Proc } from '../../../unix/types.ts'
import { bash } from '../../../unix/shell/sh.ts'
import { utilityPrograms } from '../../../unix/utilities/list.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'

/** Releases with the digests that their manifests pin. */
const DIGESTS: Readonly<Record<string, string>> = {
  'v1.8.0': '744ae2afd433a395eeb13dc03d3313facba92e96ad71d9feaafc85925493fee3',
  'v1.8.1': 'e5c4824e7375fcf2a393e1c03c293b69759af37a9ca6abdb91b13d78a93da8bd',
  'v1.8.2': '74834d3d25b336b62cabeb8bf7f1d788706e2cf1cfd64022de4137ade8881ff2',
  'v1.9.0-beta.0': '531377e4cc9dc62af40d742402222603259673f5a755a64d74122f256dfad8f9',
  'v1.9.0': 'c15d1a617858d90fb8f8a2dd60b0676f2bb85c54e3ed11511794b86ec30c8c60',
  'v1.9.1': '605a737877de78969493a4b1213b21de4ee425d2926906857b98050f57a95b25',
  'v1.9.3': '8fd21d59428507671ce0fb47f818b1d859c92d2ad07bb7c947268d433030ba98',
  'v1.9.4': '5b161f051d017e55d358435f295f5e9a297e66158f136321d9b04520ec6c48a3',
  'v1.9.5': 'b3aba22b1da80e7acfc52b115cae1d4c687172cbf2b742d5b502419c25ff340e',
  'v1.9.6': '1405cc613bd95b2c6edd8b2a152510ae91c7e62aea4698500d23b2145960ab9c',
  'v1.10.0': '42b3f0e5d0846876b1791cd3afeb5f1cbbe4259d6f35651dcc1b5c980925379c',
  'v1.10.1': 'e24f39d3eed6bcc239a56f20098878845f62baa34b9f2be2fd2c38ce9fb0f29e',
  'v1.11.0': 'a886e56d532d1388c77c8340261149d974370edca1093af4c97a96fb1467cb39',
  'v1.11.1': 'e6439a12b52076965928e83b7b56aae6731231677b01e81818bce7fa5c60161a',
  'v1.11.2': 'd5f8217feeac4887cb1ed21f27c2674e58be06bd8f5184cacea2a69abaf78dce',
  'v1.12.0-beta.0': '9724476b928967173d501040631b23ba07f47073999e80e34b120e8db5f234d5',
  'v1.12.0': 'e6b8de175acda6ca913891f0f727bca4527e797d52688cbe9fec9040d6f6b6fa',
  'v1.12.1': 'd2fbc4ec70d8aa2050dd91a91506e998765e86c96f32cffb56c503c9c34eed5b',
  'v1.12.2': '03497ee984628e95eca9b2279e3f3a3c1685dd48635479e627d219f00c8eefa9',
  'v1.12.3': 'ac444cd9515af325ba577b596fe4f27a34be1aa330538e8b317ad9d6c8fb94ee',
  'v1.13.0': 'dc75a7baec7a3b827a5d7ab0acd10ab507904c7dad692365b3e3b596eca1afd2',
  'v1.13.1': '37e489b22ac77576576e52e474941cd7754238438847c1ee795ad6d59c02b12a',
  'v1.13.2': '1f7eaeb01933e719c8a9f4acd8181e555e582330c7d50f24484fb64d2ba9b2ef',
  'v1.13.3': '1b044f6dcac3afbb59e05d98463f1dec6f3d3fb99940bc12ca5d80270358e3bd',
  'v1.13.4': '4042ae3c512c5d7bcf9682b0fdff96cd7b46a23dcbe15a762349094cd8087be7',
  'v1.13.5': '5b346855be6752fa2a40f91983fa35a0c004b41493f36be6068a3d4350e69db8',
  'v1.13.6': '4b85724d716a545f38338cb99f0e07c83d16780adb0911e0e4d6218c7e5944a8',
  'v1.13.7': '13db2f8aca4bb71ae7f727288620c4569b01bab4911b01fa3917995ff7755de8',
  'v1.13.8': '0e7fad5de70f55c7f5fb61858be5ba6794d61091ad0874e963a61851e43edf99',
  'v1.13.9': 'd803625b20d471400fdae9dce0fdd076c0361f8f7e1ecee0dcd2f84fa0d196f8',
  'v1.14.0': 'e4127065d0317bd11dc64c4dd38dcf7fb1c3d72e468110b4086e636dbaac943d',
  'v1.14.1': 'f95a79b85fb93ac3de752c71a5c27d5ceae10a18b61904dec224c1c6a4581e47',
  'v1.14.2': 'fb3e5c0bdff6a498dd5192b11a09ace0739baa9fe6ba519bf5b22425871ce490',
  'v1.14.3': '82917be97c0939f6ada1717bb39aa7e66c229d6cfb10dcfc8f1bd42f9efe0f81',
  'v1.14.4': 'f8c7959ed0cc0c1dd6060f291fc50ccaf27a5497d182bbb6bc4ffed943616f23',
  'v1.14.5': 'af3312d040dbe8d503001a1094b248e8be372f70f317a4bc35f81fb312bff3a8',
  'v1.15.0': '4eea9a4cc2cb6ddcb7da14d377aaf452e68bd3dbe87fe280755d225c4d5e7e4e',
  'v1.15.1': '594ceea76b01c592858f803f9ff4d2cb40542cae2060410b2c95f75907d659e1',
}

const controllerOf = (release: string) => lazyProgram(async () => {
  const { ingressNginxController } = await import('./controller.ts')
  return (proc) => ingressNginxController(proc, release)
})

// @k8s part: Ingress: ingress-nginx serves it once its manifest is applied, as on kind; logins by another server or by certificate, snippets and mirrors are missing, calls of gRPC whose client goes on while it is answered wait for its end
/** ingress-nginx: a controller that serves Ingresses, and the nginx that it runs. */
export const ingressNginxImage = defineImage({
  repository: 'registry.k8s.io/ingress-nginx/controller', tags: Object.keys(DIGESTS), digests: Object.fromEntries(Object.entries(DIGESTS).map(([tag, hex]) => [tag, `sha256:${hex}`])), sizeBytes: 104_000_000, base: alpine,
  entrypoint: ['/usr/bin/dumb-init', '--'], cmd: ['/nginx-ingress-controller'], user: 'www-data', workingDir: '/etc/nginx', exposedPorts: [80, 443],
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/nginx/sbin' },
  files: {
    '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nwww-data:x:101:82:Linux User,,,:/home/www-data:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n', '/etc/group': 'root:x:0:\nwww-data:x:82:\nnobody:x:65534:\n',
    '/etc/nginx': { directory: true, uid: 101, gid: 82 }, '/etc/ingress-controller': { directory: true, uid: 101, gid: 82 }, '/etc/ingress-controller/ssl': { directory: true, uid: 101, gid: 82 },
    '/tmp/nginx': { directory: true, uid: 101, gid: 82 }, '/var/log/nginx/access.log': { link: '/dev/stdout' }, '/var/log/nginx/error.log': { link: '/dev/stderr' },
  },
  programs: { ...utilityPrograms('gnu', { names: ['curl'] }), '/bin/bash': bash, '/usr/bin/dumb-init': dumbInit, '/wait-shutdown': waitShutdown },
  variants: Object.fromEntries(Object.keys(DIGESTS).map((tag) => [tag, { programs: { '/nginx-ingress-controller': controllerOf(tag) } }])),
})

/** Process 1: starts the command, hands signals on to it and ends as it does. */
async function dumbInit(proc: Proc): Promise<number> {
  const child = proc.spawn(proc.argv.slice(1).filter((arg, i) => i > 0 || arg !== '--'), { newGroup: true })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) proc.onSignal(signal, () => child.kill(signal))
  const { code } = await child.wait()
  return code
}

/** The hook before a controller's container is stopped: has it end gracefully, and waits for its nginx. */
async function waitShutdown(proc: Proc): Promise<number> {
  const named = (text: string) => proc.machine.processes().filter((each) => each.status === undefined && each.pid !== 1 && each.argv.join(' ').includes(text))
  const controllers = named('nginx-ingress-controller')
  if (controllers.length === 0) return 1
  for (const controller of controllers) controller.kill('SIGTERM')
  do await proc.sleep(1000)
  while (named('nginx: master process').length > 0)
  return 0
}
