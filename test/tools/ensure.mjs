// Makes a bare machine ready: dependencies, generated files, a Chromium for the browser tests. Uses nothing but Node itself.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

/** Runs a command with its output shown; throws when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${result.status ?? result.signal}`)
}

/** Installs dependencies when they are missing or older than the lock file, and writes the generated sources. */
export function ensureDependencies() {
  const installed = path.join(root, 'node_modules/.package-lock.json')
  const lock = path.join(root, 'package-lock.json')
  if (!fs.existsSync(installed) || fs.statSync(installed).mtimeMs < fs.statSync(lock).mtimeMs) {
    console.log('Installing dependencies ...')
    // Not `npm ci`: it refuses a lock file that leaves out optional packages of other platforms, and a registry may not have them all.
    run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'])
    fs.utimesSync(installed, new Date(), new Date())
  }
  run(process.execPath, [path.join(root, 'test/tools/generate-types.mjs')])
  const descriptions = path.join(root, 'test/tools/generate-descriptions.mjs')
  if (fs.existsSync(descriptions)) run(process.execPath, [descriptions])
}

const CHROMIUM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable']

/** The path of a Chromium, installed first if there is none: Debian's package when root, else playwright's own build. */
export async function ensureChromium() {
  const found = process.env.CHROMIUM_PATH ?? CHROMIUM_PATHS.find((p) => fs.existsSync(p))
  if (found) return found
  if (process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0) {
    console.log('Installing Chromium ...')
    run('apt-get', ['update', '-qq'])
    run('apt-get', ['install', '-y', '-qq', 'chromium'], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
    return '/usr/bin/chromium'
  }
  const { chromium } = await import('playwright-core')
  if (!fs.existsSync(chromium.executablePath())) {
    console.log('Installing Chromium ...')
    execFileSync(process.execPath, [path.join(root, 'node_modules/playwright-core/cli.js'), 'install', 'chromium'], { stdio: 'inherit' })
  }
  return chromium.executablePath()
}
