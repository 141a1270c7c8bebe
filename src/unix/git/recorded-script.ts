/** Where recorded cases run: the real Git's and ours see the same paths. */
export const CASES_ROOT = '/tmp/git-cases'

const PROLOGUE = `export HOME=${CASES_ROOT}/home GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME='A U Thor' GIT_AUTHOR_EMAIL=author@example.com GIT_COMMITTER_NAME='C O Mitter' GIT_COMMITTER_EMAIL=committer@example.com TZ=UTC LC_ALL=C.UTF-8 GIT_EDITOR=: TERM=dumb T=1700000000
export GIT_AUTHOR_DATE="$T +0000" GIT_COMMITTER_DATE="$T +0000"
tick() { T=$((T+60)); export GIT_AUTHOR_DATE="$T +0000" GIT_COMMITTER_DATE="$T +0000"; }
cd ${CASES_ROOT}/work
`

/** The script of a recorded case: prints each line with what it says on either stream and its exit code; lines that begin with `!` prepare something in silence. */
export function scriptOf(lines: readonly string[]): string {
  return PROLOGUE + lines.map((line) => line.startsWith('!') ? line.slice(1) : `echo '$ ${line.replace(/'/g, `'\\''`)}'; { ${line}\n} >${CASES_ROOT}/o 2>${CASES_ROOT}/e; R=$?; cat ${CASES_ROOT}/o; if [ -s ${CASES_ROOT}/e ]; then echo '-- stderr'; cat ${CASES_ROOT}/e; fi; echo "[$R]"`).join('\n') + '\n'
}
