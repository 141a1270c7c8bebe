/** What `:set` changes. */
export interface ViOptions {
  number: boolean
  relativenumber: boolean
  tabstop: number
  shiftwidth: number
  softtabstop: number
  expandtab: boolean
  autoindent: boolean
  ignorecase: boolean
  smartcase: boolean
  hlsearch: boolean
  incsearch: boolean
  wrap: boolean
  paste: boolean
  list: boolean
  syntax: boolean
  cursorline: boolean
  ruler: boolean
}

/** As the distributions' own vimrc has them. */
export const DEFAULT_OPTIONS: Readonly<ViOptions> = {
  number: false, relativenumber: false, tabstop: 8, shiftwidth: 8, softtabstop: 0, expandtab: false, autoindent: false, ignorecase: false, smartcase: false, hlsearch: false, incsearch: true, wrap: true, paste: false, list: false, syntax: true, cursorline: false, ruler: true,
}

/** Takes `number`, `nonumber`, `ts=2` or `number?`. Returns what to show, if anything. */
export function setViOption(options: ViOptions, text: string): string | undefined {
  const names: Record<string, keyof ViOptions> = {
    nu: 'number', rnu: 'relativenumber', ts: 'tabstop', sw: 'shiftwidth', sts: 'softtabstop', et: 'expandtab', ai: 'autoindent', ic: 'ignorecase', scs: 'smartcase', hls: 'hlsearch', is: 'incsearch', cul: 'cursorline', ru: 'ruler',
  }
  const match = /^(no|inv)?([a-z]+)(!|\?|[=:](.*))?$/.exec(text)
  if (!match) return `E518: Unknown option: ${text}`
  let prefix = match[1]
  const [, , name, suffix, value] = match
  const find = (each: string): keyof ViOptions | undefined => each in options ? each as keyof ViOptions : names[each]
  let key = find(name!)
  if (prefix && find(prefix + name!)) { key = find(prefix + name!); prefix = '' }
  // Options of Vim that change nothing here.
  if (!key) return /^(?:nocp|cp|compatible|si|smartindent|cindent|bg|background|mouse|laststatus|ls|showcmd|sc|showmode|smd|backspace|bs|hidden|hid|fileencoding|fenc|encoding|enc|ff|fileformat|cursorcolumn|cuc|ft|filetype|termguicolors|tgc|foldmethod|fdm|wildmenu|clipboard|undofile|swapfile|swf|backup|bk|scrolloff|so|tw|textwidth|modifiable|ma|pastetoggle|pt|nocompatible|ttyfast|visualbell|vb|belloff|errorbells|eb|lazyredraw|lz|showmatch|sm|matchpairs|spell|linebreak|lbr|listchars|lcs|history|hi|updatetime|ut|signcolumn|scl|splitright|spr|splitbelow|sb|cc|colorcolumn|conceallevel|cole)$/.test(name!) ? undefined : `E518: Unknown option: ${name}`
  const values = options as unknown as Record<string, boolean | number>
  if (suffix === '?') return typeof values[key] === 'boolean' ? `${values[key] ? '  ' : 'no'}${key}` : `  ${key}=${values[key]}`
  if (typeof values[key] === 'number') {
    if (value === undefined) return `  ${key}=${values[key]}`
    if (!/^\d+$/.test(value)) return `E521: Number required after =: ${text}`
    values[key] = Number(value)
  } else if (value !== undefined) return `E474: Invalid argument: ${text}`
  else values[key] = suffix === '!' || prefix === 'inv' ? !values[key] : prefix !== 'no'
  return undefined
}
