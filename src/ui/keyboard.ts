import { t } from './localization.ts'

/** Whether the keyboard is Apple's, whose commands go by ⌘ and leave Ctrl to the terminal. */
export const isApple = /Mac|iPhone|iPad/.test(navigator.platform)

/** A key combination such as `Ctrl+Shift+F`, by the names that stand on the keys of the page's language. */
export function keyNames(combination: string): string {
  return combination.replace('Ctrl', t('key.ctrl')).replace('Shift', t('key.shift'))
}
