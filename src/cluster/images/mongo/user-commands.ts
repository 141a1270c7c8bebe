import { base64Of } from '../../../base/base64.ts'
import { Binary } from 'bson'
import type { Document } from 'bson'
import type { Command, CommandContext } from './commands.ts'
import { MongoError } from './mongo-error.ts'
import { createCredential, scramField, serverFinal } from './scram.ts'
import type { Credential } from './scram.ts'

const decoder = new TextDecoder()
const encoder = new TextEncoder()

export interface UserDocument { _id: string; user: string; db: string; roles: { role: string; db: string }[]; credentials: { 'SCRAM-SHA-256': Credential } }

const USERS = 'admin.system.users'

function salt({ server }: CommandContext): string {
  return base64Of(Uint8Array.from({ length: 28 }, () => server.proc.random.int(256)))
}

function roles({ database, command }: CommandContext): { role: string; db: string }[] {
  return ((command.roles ?? []) as (string | { role: string; db: string })[]).map((role) => typeof role === 'string' ? { role, db: database } : role)
}

function find({ server }: CommandContext, database: string, user: string): UserDocument | undefined {
  return [...server.store.collection(USERS)?.documents.values() ?? []].find((each) => each._id === `${database}.${user}`) as UserDocument | undefined
}

async function createUser(context: CommandContext): Promise<Document> {
  const { server, database, command } = context
  const user = String(command.createUser)
  if (find(context, database, user)) throw new MongoError(51003, `User "${user}@${database}" already exists`)
  if (typeof command.pwd !== 'string') throw new MongoError(2, 'Must provide a \'pwd\' field for all user documents, except those with \'$external\' as the user\'s source db')
  const made = salt(context)
  const credential = await server.proc.clock.outside(createCredential(command.pwd, made))
  server.write({ op: 'i', ns: USERS, o: { _id: `${database}.${user}`, user, db: database, credentials: { 'SCRAM-SHA-256': credential }, roles: roles(context) } })
  return {}
}

async function updateUser(context: CommandContext): Promise<Document> {
  const { server, database, command } = context
  const user = String(command.updateUser)
  const old = find(context, database, user)
  if (!old) throw new MongoError(11, `User ${user}@${database} not found`)
  const made = salt(context)
  const credentials = typeof command.pwd === 'string' ? { 'SCRAM-SHA-256': await server.proc.clock.outside(createCredential(command.pwd, made)) } : old.credentials
  server.write({ op: 'u', ns: USERS, o: { ...old, credentials, ...(command.roles ? { roles: roles(context) } : {}) }, o2: { _id: old._id } })
  return {}
}

const failed = () => new MongoError(18, 'Authentication failed.')

function saslStart(context: CommandContext): Document {
  const { server, session, database, command } = context
  if (command.mechanism !== 'SCRAM-SHA-256') throw new MongoError(334, `Received authentication for mechanism ${String(command.mechanism)} which is unknown or not enabled`)
  const clientFirst = decoder.decode((command.payload as Binary).buffer).replace(/^n,,/, '')
  const name = scramField(clientFirst, 'n').replaceAll('=2C', ',').replaceAll('=3D', '=')
  const user = name === '__system' ? server.systemUser : find(context, database, name)
  if (!user) throw failed()
  const credential = user.credentials['SCRAM-SHA-256']
  const nonce = Array.from({ length: 24 }, () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'[server.proc.random.int(62)]).join('')
  const serverFirst = `r=${scramField(clientFirst, 'r')}${nonce},s=${credential.salt},i=${credential.iterations}`
  session.conversation = { user, clientFirst, serverFirst }
  return { conversationId: 1, done: false, payload: new Binary(encoder.encode(serverFirst)) }
}

async function saslContinue({ server, session, command }: CommandContext): Promise<Document> {
  const { conversation } = session
  if (!conversation) throw new MongoError(17, 'No SASL session state found')
  const final = decoder.decode((command.payload as Binary).buffer)
  if (final === '') { session.conversation = undefined; return { conversationId: 1, done: true, payload: new Binary(new Uint8Array(0)) } }
  const answer = await server.proc.clock.outside(serverFinal(conversation.user.credentials['SCRAM-SHA-256'], conversation.clientFirst, conversation.serverFirst, final))
  if (answer === undefined) throw failed()
  session.user = conversation.user
  return { conversationId: 1, done: true, payload: new Binary(encoder.encode(answer)) }
}

export const userCommands: Readonly<Record<string, Command>> = {
  createUser: { run: createUser, write: true }, updateUser: { run: updateUser, write: true },
  dropUser: { write: true, run: (context) => {
    const user = find(context, context.database, String(context.command.dropUser))
    if (!user) throw new MongoError(11, `User '${String(context.command.dropUser)}@${context.database}' not found`)
    context.server.write({ op: 'd', ns: USERS, o: { _id: user._id } })
    return {}
  } },
  usersInfo: { run: (context) => {
    const wanted = context.command.usersInfo as unknown
    const name = typeof wanted === 'string' ? wanted : (wanted as Document | null)?.user as string | undefined
    const all = [...context.server.store.collection(USERS)?.documents.values() ?? []] as unknown as UserDocument[]
    return { users: all.filter(({ user, db }) => db === context.database && (name === undefined || name === user)).map(({ _id, user, db, roles: granted }) => ({ _id, user, db, roles: granted, mechanisms: ['SCRAM-SHA-1', 'SCRAM-SHA-256'] })) }
  } },
  grantRolesToUser: { write: true, run: (context) => {
    const user = find(context, context.database, String(context.command.grantRolesToUser))
    if (!user) throw new MongoError(11, `Could not find user "${String(context.command.grantRolesToUser)}" for db "${context.database}"`)
    context.server.write({ op: 'u', ns: USERS, o: { ...user, roles: [...user.roles, ...roles(context)] }, o2: { _id: user._id } })
    return {}
  } },
  saslStart: { run: saslStart, open: true }, saslContinue: { run: saslContinue, open: true },
}

const READ = new Set(['read', 'readWrite', 'dbOwner', 'dbAdmin', 'root', 'readAnyDatabase', 'readWriteAnyDatabase', 'backup', '__system'])
const WRITE = new Set(['readWrite', 'dbOwner', 'root', 'readWriteAnyDatabase', 'restore', '__system'])
const ADMINISTRATION = new Set(['dbOwner', 'userAdmin', 'userAdminAnyDatabase', 'root', '__system'])

/** Whether a user's roles allow a command there. */
export function isAllowed(user: UserDocument, command: string, kind: 'read' | 'write' | 'other', database: string): boolean {
  const set = /User|Role/.test(command) ? ADMINISTRATION : kind === 'write' ? WRITE : READ
  return user.roles.some(({ role, db }) => (db === database || (db === 'admin' && /AnyDatabase$|^root$|^__system$|^backup$|^restore$/.test(role)) || command === 'listDatabases') && (set.has(role) || (kind === 'other' && !/User|Role/.test(command)))) || (kind === 'other' && !/User|Role|shutdown|replSet/.test(command)) || (/^replSet/.test(command) && user.roles.some(({ role }) => ['clusterAdmin', 'clusterManager', 'root', '__system'].includes(role)))
}
