import type { Clock } from '../base/clock.ts'
import type { HttpRequest } from '../base/http.ts'
import { containerdSite } from '../cluster/node/containerd/release-site.ts'
import { k3sSite } from '../cluster/node/k3s/release-site.ts'
import { gatewayApiSite } from './gateway-api-site.ts'

const ARKADE = 'https://github.com/alexellis/arkade/releases/download/0.11.60/arkade'
/** The script that installs arkade. */
const ARKADE_SCRIPT = `#!/bin/sh
set -e
target=/usr/local/bin/arkade
[ "$(id -u)" -eq 0 ] || { echo "============================================================"; echo "  The script was run as a user who is unable to write"; echo "  to /usr/local/bin. Run it with sudo."; echo "============================================================"; exit 1; }
echo "Downloading package ${ARKADE} as /tmp/arkade"
curl -sSL ${ARKADE} --output /tmp/arkade
chmod +x /tmp/arkade
echo "Download complete."
echo
echo "Running with sufficient permissions to attempt to move arkade to /usr/local/bin"
mv /tmp/arkade $target
echo "New version of arkade installed to /usr/local/bin"
ln -sf $target /usr/local/bin/ark
echo "Creating alias 'ark' for 'arkade'."
`

/** Places on the Internet from which the learner's machine gets tools that are ours; undefined: another place. */
export function toolSite(request: HttpRequest, clock: Clock): Promise<Response> | undefined {
  const text = (body: string) => Promise.resolve(new Response(request.method === 'HEAD' ? null : body, { headers: { 'content-type': 'text/plain' } }))
  if (/^https:\/\/(?:dl\.get-arkade\.dev|get\.arkade\.dev)\/?$/.test(request.url)) return text(ARKADE_SCRIPT)
  if (request.url === ARKADE) return text('#!/usr/lib/drydock/arkade\n')
  return gatewayApiSite(request, clock) ?? containerdSite(request, clock) ?? k3sSite(request)
}
