import { createHash, randomBytes } from 'node:crypto'

/**
 * The id of a task is a UUID of version 7, which says when the task was made. So any node finds its requests and
 * results in Kafka without having heard of it. A task of one request has the id of that request. A task of several
 * adds their number, `<uuid>.3`, and its requests are `<uuid>.3.0` to `<uuid>.3.2`.
 */
export interface TaskId {
  readonly taskId: string
  /** Milliseconds since 1970. */
  readonly madeAtMs: number
  readonly requestIds: readonly string[]
}

/** A request has one chain, so that a task has at most as many requests as it has pairs. */
const MOST_REQUESTS = 1_000
const FORM = /^([0-9a-f]{8}-[0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?:\.(0|[1-9]\d{0,3}))?$/

/** Makes an id. Without `requests`, the task has one. */
export function makeTaskId(madeAtMs: number, requests = 1): TaskId {
  return idOfBytes(randomBytes(16), madeAtMs, requests)
}

/** The id that everybody makes of the same identity and time. */
export function taskIdOf(identity: readonly string[], madeAtMs: number, requests: number): TaskId {
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest()
  return idOfBytes(hash.subarray(0, 16), madeAtMs, requests)
}

function idOfBytes(bytes: Buffer, madeAtMs: number, requests: number): TaskId {
  bytes.writeUIntBE(Math.floor(madeAtMs), 0, 6)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  const parts = [[0, 8], [8, 12], [12, 16], [16, 20], [20]] as const
  const uuid = parts.map(([from, to]) => hex.slice(from, to)).join('-')
  return idOfUuid(uuid, Math.floor(madeAtMs), requests)
}

/** Undefined if no task can have such an id. */
export function parseTaskId(taskId: string): TaskId | undefined {
  const found = FORM.exec(taskId)
  if (found === null) return undefined
  const [, time = '', count = '1'] = found
  const requests = Number(count)
  const named = found[2] === undefined ? taskId : taskId.slice(0, taskId.indexOf('.'))
  if (requests > MOST_REQUESTS || found[2] === '1') return undefined
  return idOfUuid(named, Number.parseInt(time.replace('-', ''), 16), requests)
}

/** The task that a request belongs to; undefined if its id is not one that a task has. */
export function taskOfRequest(requestId: string): TaskId | undefined {
  const end = requestId.lastIndexOf('.')
  const task = parseTaskId(end < 0 ? requestId : requestId.slice(0, end))
  return task?.requestIds.includes(requestId) ? task : undefined
}

function idOfUuid(uuid: string, madeAtMs: number, requests: number): TaskId {
  if (requests === 1) return { taskId: uuid, madeAtMs, requestIds: [uuid] }
  const taskId = `${uuid}.${requests}`
  return { taskId, madeAtMs, requestIds: Array.from({ length: requests }, (_, at) => `${taskId}.${at}`) }
}
