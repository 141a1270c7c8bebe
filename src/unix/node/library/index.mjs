import { bootstrap } from './bootstrap.mjs'
import { buffer } from './buffer.mjs'
import { console } from './console.mjs'
import { events } from './events.mjs'
import { fs, fsPromises } from './fs.mjs'
import { http, https, net } from './http.mjs'
import { path } from './path.mjs'
import { repl } from './repl.mjs'
import { assert, async_hooks, child_process, cluster, crypto, dns, os, querystring, readline, timersPromises, tty, url, v8, vm, worker_threads, zlib } from './small.mjs'
import { stream } from './stream.mjs'
import { string_decoder, util } from './util.mjs'
import { web } from './web.mjs'

/** What sets a realm up; see its own words. */
export { bootstrap }

/** Node's modules by name, without `node:`. Their text is what runs in realms. */
export const library = {
  assert, async_hooks, buffer, child_process, cluster, console, crypto, dns, events, fs, 'fs/promises': fsPromises, http, https, net, os, path, 'path/posix': path, querystring, readline, repl, stream, string_decoder, 'timers/promises': timersPromises, tty, url, util, v8, vm, worker_threads, zlib, web,
  'assert/strict': function (module, exports, require) { module.exports = require('assert').strict },
  'dns/promises': function (module, exports, require) { module.exports = require('dns').promises },
  'readline/promises': function (module, exports, require) { module.exports = require('readline').promises },
  'stream/promises': function (module, exports, require) { module.exports = require('stream').promises },
  'util/types': function (module, exports, require) { module.exports = require('util').types },
}
