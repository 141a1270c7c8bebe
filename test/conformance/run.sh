#!/usr/bin/env bash
# Runs official Kubernetes v1.36.3 conformance tests against a fresh Drydock and prints a line per area.
# usage: npm run conformance -- [-f FOCUS_REGEX] [-s SKIP_REGEX] [-p PROCS] [-o OUT_DIR] [-b BIN] [-t TIMEOUT] [-r]
# e.g.   npm run conformance -- -f '\[sig-apps\]'
# TIMEOUT (such as 20m; default 6h) ends each of the two runs, the parallel and the serial one; tests that were not reached count as not run.
# -r writes what was found into test/conformance/results.json, from which `npm run support` makes the README's table.
# The last line is 'N passed, N failed'; OUT_DIR/results.json has every test with its failure text. Needs Go >= 1.26 the first time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
focus='' skip='' procs=2 timeout=6h out="$root/conformance-results" bin=${XDG_CACHE_HOME:-$HOME/.cache}/drydock-conformance record=''
while getopts f:s:p:o:b:t:r o; do case $o in f) focus=$OPTARG;; s) skip=$OPTARG;; p) procs=$OPTARG;; o) out=$OPTARG;; b) bin=$OPTARG;; t) timeout=$OPTARG;; r) record="$here/results.json";; *) exit 2;; esac; done
[ -f "$root/dist/drydock.js" ] || (cd "$root" && npm run --silent build:cli)
bin=$(bash "$here/build.sh" "$bin"); mkdir -p "$out"; out=$(realpath "$out")
first=$(mktemp); node "$root/dist/drydock.js" serve --port 0 >"$first" & pid=$!
trap 'kill $pid 2>/dev/null || true; rm -f "$first"' EXIT
for _ in $(seq 100); do [ -s "$first" ] && break; kill -0 $pid; sleep 0.1; done
kubeconfig=$(head -n 1 "$first")
common=(--kubeconfig="$kubeconfig" --provider=skeleton --kube-api-content-type=application/json --kubectl-path="$bin/kubectl"
        --allowed-not-ready-nodes=0 --dump-logs-on-failure=false --disable-log-dump=true)
ginkgo() { # name, filter args...
  local name=$1; shift
  "$bin/ginkgo" --no-color --timeout="$timeout" --keep-going --silence-skips --json-report="$name.json" --output-dir="$out" "$@" "$bin/e2e.test" -- "${common[@]}" >"$out/$name.log" 2>&1 || true
}
rm -f "$out"/{all,parallel,serial}.json
[ -z "$record" ] || ginkgo all --dry-run --focus='\[Conformance\]'
select=(--focus="${focus:+$focus.*}\[Conformance\]"); [ -z "$skip" ] || select+=(--skip="$skip")
ginkgo parallel --procs="$procs" "${select[@]}" --skip='\[Serial\]|\[Disruptive\]'
ginkgo serial "${select[@]}" --label-filter='Serial || Disruptive'
node "$here/summary.mjs" "$out" $record
