/** What stands at a place of a graph's line: the column's commit decides its colour. */
interface Column {
  commit: string
  color: number
}

const COLORS = ['31', '32', '33', '34', '35', '36', '1;31', '1;32', '1;33', '1;34', '1;35', '1;36']

type State = 'padding' | 'skip' | 'pre-commit' | 'commit' | 'post-merge' | 'collapsing'

/**
 * The lines that `git log --graph` draws beside commits, by the rules of graph.c: each commit gets a column; branches that end move to the left where
 * there is room.
 */
export class Graph {
  readonly #colored: boolean
  #columns: Column[] = []
  #next: Column[] = []
  #mapping: number[] = []
  #oldMapping: number[] = []
  #state: State = 'padding'
  #previousState: State = 'padding'
  #commit = ''
  #parents: readonly string[] = []
  #commitIndex = 0
  #previousCommitIndex = 0
  #mergeLayout = 0
  #edgesAdded = 0
  #previousEdgesAdded = 0
  #expansionRow = 0
  #width = 0
  #color = COLORS.length - 1
  #mark = '*'

  constructor(colored: boolean) {
    this.#colored = colored
  }

  /** The next commit, with those of its parents that will be shown. */
  update(commit: string, parents: readonly string[], mark = '*'): void {
    this.#commit = commit
    this.#parents = parents
    this.#mark = mark
    this.#previousCommitIndex = this.#commitIndex
    this.#updateColumns()
    this.#expansionRow = 0
    if (this.#state !== 'padding') this.#setState('skip')
    else if (this.#needsPreCommitLine()) this.#setState('pre-commit')
    else this.#setState('commit')
  }

  #setState(state: State): void {
    this.#previousState = this.#state
    this.#state = state
  }

  #colorOf(commit: string): number {
    return this.#columns.find((column) => column.commit === commit)?.color ?? this.#color
  }

  #insert(commit: string, index: number): void {
    let at = this.#next.findIndex((column) => column.commit === commit)
    if (at < 0) {
      at = this.#next.length
      this.#next.push({ commit, color: this.#colorOf(commit) })
    }
    let mappingIndex: number
    if (this.#parents.length > 1 && index > -1 && this.#mergeLayout === -1) {
      // The first parent of a merge decides whether its edges go to the left.
      const distance = index - at
      const shift = distance > 1 ? 2 * distance - 3 : 1
      this.#mergeLayout = distance > 0 ? 0 : 1
      this.#edgesAdded = this.#parents.length + this.#mergeLayout - 2
      mappingIndex = this.#width + (this.#mergeLayout - 1) * shift
      this.#width += 2 * this.#mergeLayout
    } else if (this.#edgesAdded > 0 && at === this.#mapping[this.#width - 2]) {
      mappingIndex = this.#width - 2
      this.#edgesAdded = -1
    } else {
      mappingIndex = this.#width
      this.#width += 2
    }
    this.#mapping[mappingIndex] = at
  }

  #updateColumns(): void {
    ;[this.#columns, this.#next] = [this.#next, []]
    const maxNew = this.#columns.length + this.#parents.length
    this.#mapping = new Array<number>(2 * maxNew + 2).fill(-1)
    this.#width = 0
    this.#previousEdgesAdded = this.#edgesAdded
    this.#edgesAdded = 0
    let seen = false
    let inColumns = true
    for (let i = 0; i <= this.#columns.length; i++) {
      let commit: string
      if (i === this.#columns.length) {
        if (seen) break
        inColumns = false
        commit = this.#commit
      } else commit = this.#columns[i]!.commit
      if (commit !== this.#commit) { this.#insert(commit, -1); continue }
      seen = true
      this.#commitIndex = i
      this.#mergeLayout = -1
      for (const parent of this.#parents) {
        // Colours change where lines begin or part.
        if (this.#parents.length > 1 || !inColumns) this.#color = (this.#color + 1) % COLORS.length
        this.#insert(parent, i)
      }
      if (this.#parents.length === 0) this.#width += 2
    }
    while (this.#mapping.length > 1 && this.#mapping.at(-1)! < 0) this.#mapping.pop()
  }

  get #dashedParents(): number {
    return this.#parents.length + this.#mergeLayout - 3
  }

  #needsPreCommitLine(): boolean {
    return this.#parents.length >= 3 && this.#commitIndex < this.#columns.length - 1 && this.#expansionRow < this.#expansionRows
  }

  get #expansionRows(): number {
    return this.#dashedParents * 2
  }

  #isMappingCorrect(): boolean {
    return this.#mapping.every((target, i) => target < 0 || target === i >> 1)
  }

  #write(column: Column | undefined, char: string): string {
    return this.#colored && column ? `\x1b[${COLORS[column.color]}m${char}\x1b[m` : char
  }

  #pad(line: string, chars: number): string {
    return chars < this.#width ? line + ' '.repeat(this.#width - chars) : line
  }

  /** The next line. `isCommit`: it is the one beside the commit's first line. */
  nextLine(): { text: string; isCommit: boolean } {
    let line: [string, number]
    let isCommit = false
    switch (this.#state) {
      case 'padding': line = this.#paddingLine(); break
      case 'skip': line = ['...', 3]; this.#setState(this.#needsPreCommitLine() ? 'pre-commit' : 'commit'); break
      case 'pre-commit': line = this.#preCommitLine(); break
      case 'commit': line = this.#commitLine(); isCommit = true; break
      case 'post-merge': line = this.#postMergeLine(); break
      case 'collapsing': line = this.#collapsingLine(); break
    }
    return { text: this.#pad(...line), isCommit }
  }

  /** Whether the commit's lines are all drawn. */
  get isFinished(): boolean {
    return this.#state === 'padding'
  }

  #paddingLine(): [string, number] {
    let text = ''
    for (const column of this.#next) text += `${this.#write(column, '|')} `
    return [text, this.#next.length * 2]
  }

  /** The line that goes on beside a commit's further lines. */
  paddingLine(): string {
    if (this.#state !== 'commit') return this.nextLine().text
    let text = ''
    let chars = 0
    this.#columns.forEach((column) => {
      text += this.#write(column, '|')
      chars++
      if (column.commit === this.#commit && this.#parents.length > 2) {
        const width = (this.#parents.length - 2) * 2
        text += ' '.repeat(width)
        chars += width
      } else { text += ' '; chars++ }
    })
    this.#previousState = 'padding'
    return this.#pad(text, chars)
  }

  #preCommitLine(): [string, number] {
    let seen = false
    let text = ''
    let chars = 0
    const put = (part: string, width: number) => { text += part; chars += width }
    this.#columns.forEach((column, i) => {
      if (column.commit === this.#commit) {
        seen = true
        put(this.#write(column, '|') + ' '.repeat(this.#expansionRow), 1 + this.#expansionRow)
      } else if (seen && this.#expansionRow === 0) put(this.#write(column, this.#previousState === 'post-merge' && this.#previousCommitIndex < i ? '\\' : '|'), 1)
      else if (seen && this.#expansionRow > 0) put(this.#write(column, '\\'), 1)
      else put(this.#write(column, '|'), 1)
      put(' ', 1)
    })
    this.#expansionRow++
    if (!this.#needsPreCommitLine()) this.#setState('commit')
    return [text, chars]
  }

  #commitLine(): [string, number] {
    let seen = false
    let text = ''
    let chars = 0
    const put = (part: string, width: number) => { text += part; chars += width }
    for (let i = 0; i <= this.#columns.length; i++) {
      const column = this.#columns[i]
      if (i === this.#columns.length && seen) break
      const commit = column?.commit ?? this.#commit
      if (commit === this.#commit) {
        seen = true
        put(this.#mark, 1)
        if (this.#parents.length > 2) {
          // Dashes lead to the parents beyond the second.
          for (let j = 0; j < this.#dashedParents; j++) {
            const parent = this.#mapping[(this.#commitIndex + j + 2) * 2]
            const target = parent === undefined ? undefined : this.#next[parent]
            put(this.#write(target, '-'), 1)
            put(this.#write(target, j === this.#dashedParents - 1 ? '.' : '-'), 1)
          }
        }
      } else if (seen && this.#edgesAdded > 1) put(this.#write(column, '\\'), 1)
      else if (seen && this.#edgesAdded === 1) put(this.#write(column, this.#previousState === 'post-merge' && this.#previousEdgesAdded > 0 && this.#previousCommitIndex < i ? '\\' : '|'), 1)
      else if (this.#previousState === 'collapsing' && this.#oldMapping[2 * i + 1] === i && this.#mapping[2 * i]! < i) put(this.#write(column, '/'), 1)
      else put(this.#write(column, '|'), 1)
      put(' ', 1)
    }
    if (this.#parents.length > 1) this.#setState('post-merge')
    else if (this.#isMappingCorrect()) this.#setState('padding')
    else this.#setState('collapsing')
    return [text, chars]
  }

  #postMergeLine(): [string, number] {
    const merge = ['/', '|', '\\']
    let seen = false
    let parentColumn: Column | undefined
    let text = ''
    let chars = 0
    const put = (part: string, width: number) => { text += part; chars += width }
    const first = this.#parents[0]
    for (let i = 0; i <= this.#columns.length; i++) {
      const column = this.#columns[i]
      if (i === this.#columns.length && seen) break
      const commit = column?.commit ?? this.#commit
      if (commit === this.#commit) {
        seen = true
        let at = this.#mergeLayout
        this.#parents.forEach((parent, j) => {
          const target = this.#next.find((each) => each.commit === parent)
          put(this.#write(target, merge[at]!), 1)
          if (at === 2) { if (this.#edgesAdded > 0 || j < this.#parents.length - 1) put(' ', 1) } else at++
        })
        if (this.#edgesAdded === 0) put(' ', 1)
      } else if (seen) {
        put(this.#write(column, this.#edgesAdded > 0 ? '\\' : '|'), 1)
        put(' ', 1)
      } else {
        put(this.#write(column, '|'), 1)
        if (this.#mergeLayout !== 0 || i !== this.#commitIndex - 1) put(parentColumn ? this.#write(parentColumn, '_') : ' ', 1)
      }
      if (column && column.commit === first) parentColumn = column
    }
    if (this.#isMappingCorrect()) this.#setState('padding')
    else this.#setState('collapsing')
    return [text, chars]
  }

  #collapsingLine(): [string, number] {
    let usedHorizontal = false
    let horizontal = -1
    let horizontalTarget = -1
    ;[this.#mapping, this.#oldMapping] = [this.#oldMapping, this.#mapping]
    const size = this.#oldMapping.length
    this.#mapping = new Array<number>(size).fill(-1)
    for (let i = 0; i < size; i++) {
      const target = this.#oldMapping[i]!
      if (target < 0) continue
      if (target * 2 === i) this.#mapping[i] = target
      else if (this.#mapping[i - 1]! < 0) {
        // Nothing is in the way to the left.
        this.#mapping[i - 1] = target
        if (horizontal === -1) {
          horizontal = i
          horizontalTarget = target
          for (let j = target * 2 + 3; j < i - 2; j += 2) this.#mapping[j] = target
        }
      } else if (this.#mapping[i - 1] === target) { /* joins the line that is there */ } else {
        // A line that goes to the right is crossed.
        this.#mapping[i - 2] = target
        if (horizontal === -1) {
          horizontal = i - 1
          horizontalTarget = target
          for (let j = target * 2 + 3; j < i - 2; j += 2) this.#mapping[j] = target
        }
      }
    }
    this.#oldMapping = [...this.#mapping]
    if (this.#mapping.at(-1)! < 0) this.#mapping.pop()
    let text = ''
    for (let i = 0; i < this.#mapping.length; i++) {
      const target = this.#mapping[i]!
      if (target < 0) text += ' '
      else if (target * 2 === i) text += this.#write(this.#next[target], '|')
      else if (target === horizontalTarget && i !== horizontal - 1) {
        if (i !== target * 2 + 3) this.#mapping[i] = -1
        usedHorizontal = true
        text += this.#write(this.#next[target], '_')
      } else {
        if (usedHorizontal && i < horizontal) this.#mapping[i] = -1
        text += this.#write(this.#next[target], '/')
      }
    }
    const chars = this.#mapping.length
    if (this.#isMappingCorrect()) this.#setState('padding')
    return [text, chars]
  }
}
