/** node:path, for POSIX. */
export function path(module) {
  const normalizeParts = (text, isAbsolute) => {
    const parts = []
    for (const part of text.split('/')) {
      if (part === '' || part === '.') continue
      if (part !== '..') parts.push(part)
      else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop()
      else if (!isAbsolute) parts.push('..')
    }
    return parts.join('/')
  }
  const check = (value, name) => { if (typeof value !== 'string') throw Object.assign(new TypeError(`The "${name}" argument must be of type string. Received ${value === null ? 'null' : value === undefined ? 'undefined' : `type ${typeof value} (${String(value)})`}`), { code: 'ERR_INVALID_ARG_TYPE' }) }
  const posix = {
    sep: '/',
    delimiter: ':',
    normalize(text) {
      check(text, 'path')
      if (text === '') return '.'
      const isAbsolute = text.startsWith('/')
      const normal = normalizeParts(text, isAbsolute)
      if (normal === '') return isAbsolute ? '/' : text.endsWith('/') ? './' : '.'
      return `${isAbsolute ? '/' : ''}${normal}${text.endsWith('/') ? '/' : ''}`
    },
    join(...parts) {
      for (const part of parts) check(part, 'path')
      const joined = parts.filter((part) => part !== '').join('/')
      return joined === '' ? '.' : posix.normalize(joined)
    },
    resolve(...parts) {
      let resolved = ''
      for (let i = parts.length - 1; i >= -1 && !resolved.startsWith('/'); i--) {
        const part = i >= 0 ? parts[i] : process.cwd()
        check(part, `paths[${i}]`)
        if (part !== '') resolved = resolved === '' ? part : `${part}/${resolved}`
      }
      return `/${normalizeParts(resolved, true)}`
    },
    isAbsolute: (text) => { check(text, 'path'); return text.startsWith('/') },
    dirname(text) {
      check(text, 'path')
      const bare = text.replace(/\/+$/, '')
      const at = bare.lastIndexOf('/')
      return text === '' ? '.' : at < 0 ? (bare === '' ? '/' : '.') : bare.slice(0, at).replace(/\/+$/, '') || '/'
    },
    basename(text, suffix) {
      check(text, 'path')
      const base = text.replace(/\/+$/, '').split('/').at(-1)
      return suffix !== undefined && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base
    },
    extname(text) {
      const base = posix.basename(text)
      const at = base.lastIndexOf('.')
      return at <= 0 ? '' : base.slice(at)
    },
    parse(text) {
      const base = posix.basename(text)
      const ext = posix.extname(text)
      const root = text.startsWith('/') ? '/' : ''
      const dir = posix.dirname(text)
      return { root, dir: dir === '.' && !text.startsWith('.') ? '' : dir, base, ext, name: ext ? base.slice(0, -ext.length) : base }
    },
    format({ dir, root = '', base, name = '', ext = '' }) {
      const last = base ?? `${name}${ext && !ext.startsWith('.') ? '.' : ''}${ext}`
      return dir ? (dir === root ? `${dir}${last}` : `${dir}/${last}`) : `${root}${last}`
    },
    relative(from, to) {
      const a = posix.resolve(from).split('/').filter(Boolean)
      const b = posix.resolve(to).split('/').filter(Boolean)
      let same = 0
      while (same < a.length && same < b.length && a[same] === b[same]) same++
      return [...a.slice(same).map(() => '..'), ...b.slice(same)].join('/')
    },
    toNamespacedPath: (text) => text,
    matchesGlob: () => false,
  }
  posix.posix = posix
  posix.win32 = posix
  module.exports = posix
}
