/** What is kept of a terminal while no page shows it: the screen, and where its shell was. Its programs end with the page. */
export interface KeptTerminal {
  /** Text with the escape sequences that colour it. */
  text: string
  cwd?: string
}

export interface KeptTerminals {
  terminals: KeptTerminal[]
  /** Which of them was in front. */
  front: number
}

const KEY = 'drydock.terminals'
/** Longer screens are not kept, in characters: the browser has room for a few millions. */
const MAX_LENGTH = 1_000_000

/** Keeps them for this tab, which may be loaded again; and when it ends, for the next one that is opened. */
export function keepTerminals(kept: KeptTerminals, isEnd: boolean): void {
  const terminals = kept.terminals.map(({ text, cwd }) => ({ text: text.length > MAX_LENGTH ? '' : text, ...(cwd ? { cwd } : {}) }))
  for (const storage of storages().slice(0, isEnd ? 2 : 1)) {
    try {
      storage.setItem(KEY, JSON.stringify({ ...kept, terminals } satisfies KeptTerminals))
    } catch {
      // There is no room: terminals begin empty.
      storage.removeItem(KEY)
    }
  }
}

/** What this tab, or else the last one that ended, kept; nobody gets it twice. Undefined also for what can't be read. */
export function takeKeptTerminals(): KeptTerminals | undefined {
  let taken: KeptTerminals | undefined
  for (const storage of storages()) {
    taken ??= parseKept(storage.getItem(KEY))
    storage.removeItem(KEY)
  }
  return taken
}

/** Another cluster begins. */
export function forgetKeptTerminals(): void {
  for (const storage of storages()) storage.removeItem(KEY)
}

/** This tab's and all tabs'; the browser may forbid them. */
function storages(): Storage[] {
  try {
    return [sessionStorage, localStorage]
  } catch {
    return []
  }
}

/** Undefined for what has another form. */
export function parseKept(text: string | null): KeptTerminals | undefined {
  try {
    const { terminals, front } = JSON.parse(text ?? 'null') as KeptTerminals
    const isValid = Array.isArray(terminals) && terminals.length > 0 && terminals.every((each) => typeof each.text === 'string' && (each.cwd === undefined || typeof each.cwd === 'string'))
    return isValid ? { terminals, front: Number.isInteger(front) && terminals[front] ? front : 0 } : undefined
  } catch {
    return undefined
  }
}
