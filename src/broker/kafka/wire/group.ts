import type { WireRequest } from './connection.ts'
import type { RequestWriter } from './writer.ts'

/** Who speaks, in which generation of the group. */
export interface MemberIdentity {
  readonly groupId: string
  readonly memberId: string
  /** Undefined: not a static member. */
  readonly instanceId: string | undefined
  /** -1 before the first join. */
  readonly generation: number
}

interface Request<T> extends Pick<WireRequest<T>, 'apiKey' | 'apiName' | 'version' | 'encode' | 'decode'> {}

/** None of these versions is flexible. `bytes` beyond the names: what the parts of variable length take. */
export function request<T>(definition: Request<T>, names: readonly string[], bytes: number): WireRequest<T> {
  const text = names.reduce((sum, name) => sum + 8 + 3 * name.length, 0)
  return { ...definition, isFlexible: false, bytes: 64 + text + bytes }
}

function nullable(writer: RequestWriter, text: string | undefined): void {
  if (text === undefined) writer.int16(-1)
  else writer.string(text)
}

function sized(writer: RequestWriter, bytes: Buffer): void {
  writer.int32(bytes.length)
  writer.bytes(bytes)
}

export function identity(writer: RequestWriter, { groupId, generation, memberId, instanceId }: MemberIdentity): void {
  writer.string(groupId)
  writer.int32(generation)
  writer.string(memberId)
  nullable(writer, instanceId)
}

export function namesOf({ groupId, memberId, instanceId = '' }: MemberIdentity): string[] {
  return [groupId, memberId, instanceId]
}

/** The broker that keeps the group. */
export function findCoordinatorRequest(
  groupId: string,
): WireRequest<{ readonly error: number; readonly node: number }> {
  const GROUP = 0
  return request(
    {
      apiKey: 10,
      apiName: 'FindCoordinator',
      version: 2,
      encode: (writer) => {
        writer.string(groupId)
        writer.int8(GROUP)
      },
      decode: (reader) => {
        const throttleMs = reader.int32()
        const error = reader.int16()
        reader.nullableString()
        const node = reader.int32()
        reader.string()
        reader.int32()
        return { throttleMs, answer: { error, node } }
      },
    },
    [groupId],
    0,
  )
}

export interface JoinOptions {
  readonly member: MemberIdentity
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** The names of the assigners that the member knows, the best first. */
  readonly protocols: readonly string[]
  readonly metadata: Buffer
}

export interface Joined {
  readonly error: number
  readonly generation: number
  readonly leaderId: string
  /** With error MEMBER_ID_REQUIRED: the id to join with. */
  readonly memberId: string
  /** Only the leader gets them. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[]
}

const JOIN_GRACE_MS = 5_000

/** Answered when all members have joined, or the rebalance timeout is over. */
export function joinGroupRequest(options: JoinOptions): WireRequest<Joined> {
  const { member, protocols, metadata, rebalanceTimeoutMs } = options
  const join = request<Joined>(
    {
      apiKey: 11,
      apiName: 'JoinGroup',
      version: 5,
      encode: (writer) => {
        writer.string(member.groupId)
        writer.int32(options.sessionTimeoutMs)
        writer.int32(rebalanceTimeoutMs)
        writer.string(member.memberId)
        nullable(writer, member.instanceId)
        writer.string('consumer')
        writer.int32(protocols.length)
        for (const protocol of protocols) {
          writer.string(protocol)
          sized(writer, metadata)
        }
      },
      decode: (reader) => {
        const throttleMs = reader.int32()
        const error = reader.int16()
        const generation = reader.int32()
        reader.string()
        const leaderId = reader.string()
        const memberId = reader.string()
        const members = reader.array(() => {
          const id = reader.string()
          reader.nullableString()
          return { memberId: id, metadata: Buffer.from(reader.sizedBytes()) }
        })
        return { throttleMs, answer: { error, generation, leaderId, memberId, members } }
      },
    },
    [...namesOf(member), ...protocols],
    protocols.length * metadata.length,
  )
  return { ...join, timeoutMs: rebalanceTimeoutMs + JOIN_GRACE_MS }
}

export interface Synced {
  readonly error: number
  readonly assignment: Buffer
}

/** The leader brings the assignments; everybody gets its own. */
export function syncGroupRequest(
  member: MemberIdentity,
  assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[],
): WireRequest<Synced> {
  return request(
    {
      apiKey: 14,
      apiName: 'SyncGroup',
      version: 3,
      encode: (writer) => {
        identity(writer, member)
        writer.int32(assignments.length)
        for (const { memberId, assignment } of assignments) {
          writer.string(memberId)
          sized(writer, assignment)
        }
      },
      decode: (reader) => {
        const throttleMs = reader.int32()
        return { throttleMs, answer: { error: reader.int16(), assignment: Buffer.from(reader.sizedBytes()) } }
      },
    },
    [...namesOf(member), ...assignments.map(({ memberId }) => memberId)],
    assignments.reduce((sum, { assignment }) => sum + 4 + assignment.length, 0),
  )
}

/** Answers the error code. */
export function heartbeatRequest(member: MemberIdentity): WireRequest<number> {
  return request(
    {
      apiKey: 12,
      apiName: 'Heartbeat',
      version: 3,
      encode: (writer) => identity(writer, member),
      decode: (reader) => ({ throttleMs: reader.int32(), answer: reader.int16() }),
    },
    namesOf(member),
    0,
  )
}

/** Answers the error code. */
export function leaveGroupRequest(member: MemberIdentity): WireRequest<number> {
  return request(
    {
      apiKey: 13,
      apiName: 'LeaveGroup',
      version: 3,
      encode: (writer) => {
        writer.string(member.groupId)
        writer.int32(1)
        writer.string(member.memberId)
        nullable(writer, member.instanceId)
      },
      decode: (reader) => {
        const throttleMs = reader.int32()
        const error = reader.int16()
        const [first] = reader.array(() => {
          reader.string()
          reader.nullableString()
          return reader.int16()
        })
        return { throttleMs, answer: error === 0 ? (first ?? 0) : error }
      },
    },
    namesOf(member),
    0,
  )
}
