import { express } from './express.mjs'
import { promClient } from './prom-client.mjs'
import { ioredis, redis, redisConnection } from './redis.mjs'
import { axios, bodyParser, cookieParser, cors, dotenv, morgan, uuid } from './small.mjs'

/** What the registry has, by name: versions as they were published, the newest last, what each needs itself, and the text of its index.js. */
export const packages = {
  express: { versions: ['4.18.2', '4.19.2', '4.21.2', '4.22.1', '5.0.1', '5.1.0', '5.2.1'], description: 'Fast, unopinionated, minimalist web framework', main: express },
  'body-parser': { versions: ['1.20.3', '1.20.4', '2.2.0', '2.2.1'], description: 'Node.js body parsing middleware', main: bodyParser, needs: { express: '*' } },
  cors: { versions: ['2.8.5'], description: 'Node.js CORS middleware', main: cors },
  morgan: { versions: ['1.10.0', '1.10.1'], description: 'HTTP request logger middleware for node.js', main: morgan },
  dotenv: { versions: ['16.4.7', '16.6.1', '17.2.3'], description: 'Loads environment variables from .env file', main: dotenv },
  uuid: { versions: ['9.0.1', '10.0.0', '11.1.0', '13.0.0'], description: 'RFC9562 UUIDs', main: uuid },
  'cookie-parser': { versions: ['1.4.7'], description: 'Parse HTTP request cookies', main: cookieParser },
  axios: { versions: ['1.7.9', '1.12.2', '1.13.2'], description: 'Promise based HTTP client for the browser and node.js', main: axios },
  redis: { versions: ['3.1.2', '4.6.14', '4.7.1', '5.8.3', '5.10.0'], description: 'A modern, high performance Redis client', main: redis, files: { 'connection.js': redisConnection } },
  ioredis: { versions: ['5.4.2', '5.8.2'], description: 'A robust, performance-focused and full-featured Redis client for Node.js', main: ioredis, files: { 'connection.js': redisConnection } },
  'prom-client': { versions: ['14.2.0', '15.1.3'], description: 'Client for prometheus', main: promClient },
}
