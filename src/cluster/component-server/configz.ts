import configurations from './configz.json' with { type: 'json' }
import type { ServingComponent } from './component-server.ts'

/** Names of controllers that flags know under older ones. k8s: cmd/kube-controller-manager/names KCMControllerAliases */
const OLD_NAMES: Readonly<Record<string, string>> = { bootstrapsigner: 'bootstrap-signer-controller', tokencleaner: 'token-cleaner-controller' }

/** The configuration that a component has: what is the same everywhere, and what its flags say. k8s: component-base/configz */
export function configzOf(component: ServingComponent, flags: Readonly<Record<string, string>>): unknown {
  return filled(configurations[component], flags)
}

/** `--flag` stands for a flag's text, `--json flag` for the value that it means, `--list flag` for the names in it. */
function filled(value: unknown, flags: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map((item) => filled(item, flags))
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, flags)]))
  const [, form, name] = typeof value === 'string' ? /^--(?:(json|list) )?(.+)$/.exec(value) ?? [] : []
  if (name === undefined) return value
  const text = flags[name] ?? ''
  if (form === 'json') return JSON.parse(text)
  if (form === 'list') return text.replace(/^\[|\]$/g, '').split(',').map((item) => OLD_NAMES[item] ?? item)
  return text
}
