import type { Document } from 'bson'
import type { Command, CommandContext } from './commands.ts'
import { MongoError } from './mongo-error.ts'
import type { ReplicaSet } from './replica-set.ts'

/** @throws MongoError 76 where mongod was started without --replSet */
function setOf({ server }: CommandContext): ReplicaSet {
  if (!server.replicaSet) throw new MongoError(76, server.old ? 'not running with --replSet' : 'not running with --replSet')
  return server.replicaSet
}

const ofSet = (run: (set: ReplicaSet, command: Document, context: CommandContext) => Document | Promise<Document>): Command => ({ run: (context) => run(setOf(context), context.command, context) })

function hello({ server, session, command }: CommandContext): Document {
  const set = server.replicaSet
  const writable = set ? set.isPrimary : true
  return {
    ...(set ? set.hello() : {}), ...('hello' in command ? { isWritablePrimary: writable } : { ismaster: writable }), maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000, localTime: new Date(Math.floor(server.proc.clock.nowMs())), logicalSessionTimeoutMinutes: 30, connectionId: session.id, minWireVersion: 0, maxWireVersion: server.wireVersion, readOnly: false,
    ...(command.saslSupportedMechs ? { saslSupportedMechs: ['SCRAM-SHA-256'] } : {}),
  }
}

export const replicaCommands: Readonly<Record<string, Command>> = {
  hello: { run: hello, open: true }, isMaster: { run: hello, open: true }, ismaster: { run: hello, open: true },
  replSetInitiate: ofSet((set, command) => set.initiate(command.replSetInitiate as Document | undefined)),
  replSetGetStatus: ofSet((set) => set.status()),
  replSetGetConfig: ofSet((set) => { if (!set.config) throw new MongoError(94, 'no replset config has been received'); return { config: set.config } }),
  replSetReconfig: ofSet((set, command) => set.reconfigure(command.replSetReconfig as Document, command.force === true)),
  replSetStepDown: ofSet((set, command) => set.stepDown(Number(command.replSetStepDown) || 60)),
  replSetStepUp: ofSet((set) => set.stepUp()),
  replSetFreeze: ofSet((set, command) => set.freeze(Number(command.replSetFreeze))),
  replSetHeartbeat: ofSet((set, command) => set.heartbeat(command)),
  replSetRequestVotes: ofSet((set, command) => set.requestVotes(command)),
  replSetUpdatePosition: ofSet((set, command) => set.position(command)),
}
