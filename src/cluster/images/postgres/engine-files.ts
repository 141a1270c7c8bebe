/** The engine's files, as a page loads them. */
export interface EngineFiles {
  /** The engine itself. */
  module: WebAssembly.Module
  /** What PostgreSQL has in /usr/share. */
  bundle: Blob
  /** A cluster as initdb makes it, packed. */
  cluster: Uint8Array
}

let loading: Promise<EngineFiles | undefined> | undefined

/**
 * Loads the engine's files from where the page comes from; undefined under Node, where the engine finds them beside itself. The engine would do it by itself, but never
 * again after it has failed once; here whoever asks next tries once more. Takes real time: wrap in {@link Clock.outside}.
 * @throws TypeError, Error without a network
 */
export function engineFiles(): Promise<EngineFiles | undefined> {
  return loading ??= load().catch((error: unknown) => {
    loading = undefined
    throw error
  })
}

async function load(): Promise<EngineFiles | undefined> {
  const urls = {
    module: new URL('../../../../node_modules/@electric-sql/pglite/dist/pglite.wasm', import.meta.url),
    bundle: new URL('../../../../node_modules/@electric-sql/pglite/dist/pglite.data', import.meta.url),
    cluster: new URL('../../../../node_modules/@electric-sql/pglite-prepopulatedfs/dist/prepopulatedfs.tgz', import.meta.url),
  }
  if (urls.module.protocol === 'file:') return undefined
  const get = async (url: URL): Promise<Response> => {
    const response = await fetch(url)
    if (!response.ok) throw new Error(`${url.href}: ${response.status} ${response.statusText}`)
    return response
  }
  const [module, bundle, cluster] = await Promise.all([WebAssembly.compileStreaming(get(urls.module)), get(urls.bundle).then((each) => each.blob()), get(urls.cluster).then(async (each) => new Uint8Array(await each.arrayBuffer()))])
  return { module, bundle, cluster }
}
