import { DEFAULT_BACKEND, isRewritten, usesRegex } from './configuration.ts'
import type { Configuration, Location, Server } from './configuration.ts'
import type { GlobalOptions } from './global-options.ts'

/** How locations pass requests on, by the protocol of their backends. */
const PASS: Readonly<Record<string, string>> = { HTTPS: 'proxy_pass https://upstream_balancer;', GRPC: 'grpc_pass grpc://upstream_balancer;', GRPCS: 'grpc_pass grpcs://upstream_balancer;' }

/** /etc/nginx/nginx.conf as it shows what the controller set up: servers, locations and where they lead. For readers; the server itself works by the {@link Configuration}. */
export function nginxConfigText({ servers }: Configuration, global: GlobalOptions): string {
  const blocks = servers.map((server) => serverText(server, global))
  return `# Written by the ingress controller: changes are lost.
pid /tmp/nginx/nginx.pid;
daemon off;
worker_processes 2;
worker_shutdown_timeout 240s;

events {
	multi_accept on;
	worker_connections 16384;
	use epoll;
}

http {
	server_tokens ${global.showsServerTokens ? 'on' : 'off'};
	client_max_body_size ${global.bodyLimitBytes};
	log_format upstreaminfo '${global.logFormat}';
	${global.accessLog ? 'access_log /var/log/nginx/access.log upstreaminfo;' : 'access_log off;'}
	error_log /var/log/nginx/error.log notice;

	upstream upstream_balancer {
		server 0.0.0.1; # chosen for each request
		keepalive 320;
	}

${blocks.join('\n')}
	server {
		listen 8181 default_server;
		set $proxy_upstream_name "internal";
		access_log off;
		location / {
			return 404;
		}
	}
}
`
}

function serverText(server: Server, global: GlobalOptions): string {
  const { hostname, aliases, locations } = server
  const isDefault = hostname === '_'
  const name = hostname.startsWith('*.') ? `~^(?<subdomain>[\\w-]+)\\.${hostname.slice(2).replaceAll('.', '\\.')}$` : hostname
  const isRegex = usesRegex(server)
  return `	## start server ${hostname}
	server {
		server_name ${[name, ...aliases].map((each) => JSON.stringify(each).replaceAll('\\\\', '\\')).join(' ')};
${global.usesHttp2 ? '		http2 on;\n' : ''}		listen 80${isDefault ? ' default_server' : ''};
		listen 443${isDefault ? ' default_server' : ''} ssl;
		set $proxy_upstream_name "-";
${locations.map((location) => locationText(location, isRegex, global)).join('\n')}
	}
	## end server ${hostname}
`
}

function locationText(location: Location, isRegex: boolean, global: GlobalOptions): string {
  const { path, pathType, ingressPath, taken, backend, service } = location
  const options = taken?.options
  const lines = [
    `set $namespace      "${taken?.ingress.metadata.namespace ?? ''}";`, `set $ingress_name   "${taken?.ingress.metadata.name ?? ''}";`, `set $service_name   "${service?.name ?? ''}";`, `set $service_port   "${service?.port ?? ''}";`, `set $location_path  "${ingressPath}";`,
    `set $force_ssl_redirect "${options?.forceSslRedirect ?? false}";`, `set $ssl_redirect "${options?.sslRedirect ?? global.sslRedirect}";`, `set $proxy_upstream_name "${backend}";`,
    ...(backend === DEFAULT_BACKEND && !taken ? ['access_log off;'] : []),
    ...(options?.denied === undefined ? [] : [`# Location denied. Reason: ${JSON.stringify(options.denied)}`, 'return 503;']),
    ...(options?.denylist ?? []).map((range) => `deny ${range};`), ...(options?.allowlist.length ? [...options.allowlist.map((range) => `allow ${range};`), 'deny all;'] : []),
    ...(options ? [`client_max_body_size ${options.bodyLimitBytes};`, `proxy_connect_timeout ${options.connectTimeoutMs / 1000}s;`, `proxy_read_timeout ${options.readTimeoutMs / 1000}s;`] : []),
    `proxy_set_header Host ${options?.upstreamVhost ? `"${options.upstreamVhost}"` : '$best_http_host'};`, 'proxy_set_header X-Request-ID $req_id;', 'proxy_set_header X-Real-IP $remote_addr;', 'proxy_set_header X-Forwarded-For $remote_addr;',
    ...(options?.redirect?.url ? [`return ${options.redirect.status} ${options.redirect.url};`] : []),
    ...(isRewritten(location) ? [`rewrite "(?i)${path}" ${options!.rewriteTarget} break;`] : []),
    PASS[options?.backendProtocol ?? ''] ?? 'proxy_pass http://upstream_balancer;', 'proxy_redirect off;',
  ]
  return `		location ${isRegex ? `~* "^${path}"` : pathType === 'Exact' ? `= "${path}"` : `"${path}"`} {\n${lines.map((line) => `			${line}`).join('\n')}\n		}`
}
