import { lazyProgram } from '../../../unix/lazy-program.ts'
import type { Program } from '../../../unix/types.ts'
import { utilityPrograms } from '../../../unix/utilities/list.ts'
import { accountFiles } from '../accounts.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'
import { ubuntu } from '../debian.ts'

// @k8s part: Jupyter: the notebook server of the docker-stacks images with its token, the dashboard, notebooks and text files as files, and the contents API; there is no Python in it, so no kernel starts, cells aren't run, and terminals and JupyterLab's own application aren't there

/** A generation of the server: what it is called in its log and on its pages. */
export interface JupyterRelease {
  app: 'NotebookApp' | 'ServerApp'
  version: string
  /** The page that the server's address leads to. */
  home: '/tree' | '/lab'
}

const OLD: JupyterRelease = { app: 'NotebookApp', version: '5.0.0', home: '/tree' }
const NEW: JupyterRelease = { app: 'ServerApp', version: '2.17.0', home: '/lab' }

const STACKS: Readonly<Record<string, number>> = { 'base-notebook': 330_000_000, 'minimal-notebook': 520_000_000, 'scipy-notebook': 1_950_000_000, 'r-notebook': 1_100_000_000, 'tensorflow-notebook': 2_400_000_000, 'datascience-notebook': 2_600_000_000, 'pyspark-notebook': 2_100_000_000, 'all-spark-notebook': 3_000_000_000 }
const OLD_TAGS = ['abdb27a6dfbb', 'e7000ca1416d', '03b897d05f16', '3772fffc4aa4', '8d9388cc562c', '2ce7c06a61a1', 'c7fb6660d096', '9e8682c9ea54', '82d1d0bf0867']
const NEW_TAGS = ['latest', 'python-3.11', 'lab-4.0.7', 'notebook-7.0.6', '2023-10-20']

const programsOf = (release: JupyterRelease): Record<string, Program> => {
  const start = lazyProgram(async () => { const { jupyterServer } = await import('./server.ts'); return (proc) => jupyterServer(proc, release) })
  const missing = (name: string): Program => async (proc) => { await proc.stderr.write(`${name}: there is no Python in this image: it holds a notebook server without kernels\n`); return 127 }
  return {
    '/usr/local/bin/start-notebook.sh': start, '/usr/local/bin/start-notebook.py': start, '/usr/local/bin/start.sh': start, '/opt/conda/bin/jupyter': start, '/usr/bin/tini': async (proc) => proc.exec!(proc.argv.slice(1).filter((argument, i) => argument !== '--' && !(i === 0 && argument === '-g'))),
    ...Object.fromEntries(['python', 'python3', 'pip', 'conda', 'ipython'].map((name) => [`/opt/conda/bin/${name}`, missing(name)])),
  }
}

const variant = (release: JupyterRelease) => ({ programs: programsOf(release), cmd: ['start-notebook.sh'] })

/** The images of Jupyter's docker-stacks, on both registries that they were published in. */
export const jupyterImages: readonly ImageDefinition[] = ['docker.io', 'quay.io'].flatMap((registry) => Object.entries(STACKS).map(([name, sizeBytes]) => {
  const variants = Object.fromEntries([...registry === 'docker.io' ? OLD_TAGS.map((tag) => [tag, variant(OLD)] as const) : [], ...NEW_TAGS.map((tag) => [tag, variant(NEW)] as const)])
  return defineImage({
    repository: `${registry}/jupyter/${name}`, tags: Object.keys(variants), sizeBytes, base: ubuntu, entrypoint: ['tini', '-g', '--'], cmd: ['start-notebook.sh'], user: '1000:100', workingDir: '/home/jovyan', exposedPorts: [8888], variants,
    env: { PATH: '/opt/conda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', CONDA_DIR: '/opt/conda', SHELL: '/bin/bash', NB_USER: 'jovyan', NB_UID: '1000', NB_GID: '100', HOME: '/home/jovyan', LANG: 'en_US.UTF-8' },
    files: { ...accountFiles('/bin/bash', { passwd: 'jovyan:x:1000:100::/home/jovyan:/bin/bash\n' }), '/home/jovyan': { directory: true, uid: 1000, gid: 100 }, '/home/jovyan/work': { directory: true, uid: 1000, gid: 100 } }, programs: utilityPrograms('gnu', { names: ['wget', 'curl', 'less'] }),
  })
}))
