/** Where `--connect-to HOST:PORT:OTHER:PORT` leads instead: an empty host or port is any, or stays as it is. */
export function connectTo(rules: readonly string[], host: string, port: number): { host?: string; port?: number } {
  for (const rule of rules) {
    const [fromHost = '', fromPort = '', toHost = '', toPort = ''] = rule.match(/\[[^\]]*\]|[^:]+|(?<=^|:)(?=:|$)/g) ?? []
    if ((fromHost !== '' && fromHost.toLowerCase() !== host) || (fromPort !== '' && Number(fromPort) !== port)) continue
    return { ...toHost === '' ? {} : { host: toHost.replace(/^\[|\]$/g, '') }, ...toPort === '' ? {} : { port: Number(toPort) } }
  }
  return {}
}

/** What `%{redirect_url}` says: where an answer would have led with -L. */
export function redirectionOf(response: Response | undefined, url: URL): string {
  const location = response && response.status >= 300 && response.status < 400 ? response.headers.get('location') : null
  if (location === null) return ''
  try { return new URL(location, url).href } catch { return '' }
}
