import fs from 'node:fs'
import path from 'node:path'
import { defineConfig } from 'vite'
import type { Plugin } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { checkLessons, parseLesson, summaryOf, wordsOf } from './src/lessons/lesson.ts'

const root = import.meta.dirname
const LESSONS = path.join(root, 'lessons')

/** Reads and checks lessons when the app is built: each file becomes a module with its parsed lesson, `virtual:lessons` the list of all, `virtual:lesson-words` what a search finds them by. */
function lessons(): Plugin {
  const readAll = () => {
    const all = fs.readdirSync(LESSONS).filter((name) => name.endsWith('.md')).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .map((name) => ({ file: `lessons/${name}`, lesson: parseLesson(`lessons/${name}`, fs.readFileSync(path.join(LESSONS, name), 'utf8')) }))
    checkLessons(all)
    return all
  }
  return {
    name: 'drydock-lessons',
    resolveId: (id) => id === 'virtual:lessons' || id === 'virtual:lesson-words' ? `\0${id}` : undefined,
    load(id) {
      if (id !== '\0virtual:lessons' && id !== '\0virtual:lesson-words') return undefined
      for (const { file } of readAll()) this.addWatchFile(path.join(root, file))
      if (id === '\0virtual:lesson-words') return `export default ${JSON.stringify(readAll().map(({ lesson }) => ({ id: lesson.id, language: lesson.language, steps: wordsOf(lesson) })))}`
      return `export default ${JSON.stringify(readAll().map(({ lesson }) => summaryOf(lesson)))}`
    },
    transform(source, id) {
      if (path.dirname(id) !== LESSONS || !id.endsWith('.md')) return undefined
      return { code: `export default ${JSON.stringify(parseLesson(`lessons/${path.basename(id)}`, source))}`, map: null }
    },
  }
}

export default defineConfig({
  base: './',
  root,
  plugins: [
    lessons(),
    VitePWA({
      injectRegister: false,
      registerType: 'prompt',
      includeAssets: ['icon.svg', 'icon-180.png', 'theme.js', 'support.js'],
      workbox: {
        // From the first visit on: what is loaded later is kept for offline use, too.
        clientsClaim: true,
        globPatterns: ['**/*.{js,css,html,svg,png,json,wasm}'],
        // The database engine's three files: kept once they were needed, until there are newer ones.
        globIgnores: ['**/node_modules/**/*', '**/pglite-*.wasm', '**/initdb-*.wasm'],
        runtimeCaching: [{ urlPattern: /\/assets\/(?:pglite|prepopulatedfs)-[^/]*\.(?:wasm|data|tgz)$/, handler: 'CacheFirst', options: { cacheName: 'drydock-postgres', expiration: { maxEntries: 3 } } }],
        maximumFileSizeToCacheInBytes: 12_000_000,
        navigateFallback: 'index.html',
        cleanupOutdatedCaches: true,
      },
      manifest: {
        name: 'Drydock',
        short_name: 'Drydock',
        description: 'A Kubernetes cluster in your browser, with a terminal and guided lessons.',
        id: './',
        lang: 'en',
        dir: 'ltr',
        start_url: './',
        scope: './',
        display: 'standalone',
        background_color: '#f3f1ea',
        theme_color: '#14566e',
        categories: ['education', 'developer'],
        icons: [
          { src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' },
          { src: 'icon-192.png', sizes: '192x192', type: 'image/png' },
          { src: 'icon-512.png', sizes: '512x512', type: 'image/png' },
          { src: 'icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
        ],
      },
    }),
  ],
  worker: { format: 'es' },
  // Looks for its files beside its own module.
  optimizeDeps: { exclude: ['@electric-sql/pglite', '@electric-sql/pglite-prepopulatedfs'] },
  build: { outDir: 'dist/app', target: 'es2023', reportCompressedSize: false, chunkSizeWarningLimit: 4_000, modulePreload: { polyfill: false } },
})
