import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult, WarmStatus } from '../../schemas/warm-result.ts'
import type { TaskId } from './task-id.ts'

export const TASK_STATES = ['pending', 'running', 'done', 'partial', 'failed', 'refused'] as const
/** How far a task is. `pending`: no node has answered. The last four are ends. */
export type TaskState = (typeof TASK_STATES)[number]

/** What one node made of a task's requests. Counts are pairs. */
export interface NodeResult {
  readonly node: string
  readonly status: WarmStatus
  /** Why it was refused. */
  readonly reason?: string
  readonly warmed: number
  /** A dry run, or a node in shadow, warms nothing: so many it would have warmed. */
  readonly wouldWarm: number
  readonly alreadyInL1: number
  readonly notFound: number
  readonly refusedOlder: number
  readonly notInterested: number
  /** The longest of its requests. */
  readonly durationMs: number
}

/** A task as everybody sees it who has read the same records. */
export interface Task {
  readonly taskId: string
  readonly state: TaskState
  /** Why it did not end as `done`. */
  readonly reason?: string
  readonly madeAtMs: number
  readonly strategy?: string
  readonly priority?: RequestFacts['priority']
  /** Undefined, like strategy and priority, once Kafka has dropped the requests. */
  readonly pairs?: number
  readonly warmed: number
  readonly nodes: readonly NodeResult[]
}

/** A result, and the time of its record. */
export interface TimedResult {
  readonly result: WarmResult
  readonly atMs: number
}

/** What is kept of a request. */
export interface RequestFacts extends Pick<WarmRequest, 'requestId' | 'priority' | 'notBeforeMs'> {
  /** A schedule's task that was made up is sent later than its id says. */
  readonly issuedAtMs?: number
  readonly strategy: string
  readonly pairs: number
}

export function requestFacts({ requestId, priority, strategy, origin, pairs, ...times }: WarmRequest): RequestFacts {
  const { notBeforeMs, issuedAtMs } = times
  const due = notBeforeMs !== undefined && { notBeforeMs }
  const issued = origin === 'schedule' && { issuedAtMs }
  return { requestId, priority, strategy: strategy ?? origin, pairs: pairs.length, ...due, ...issued }
}

/** What is known of a task. */
export interface TaskFacts {
  readonly id: TaskId
  /** Those that are known: Kafka keeps requests for an hour, results for a day. */
  readonly requests: readonly RequestFacts[]
  readonly results: readonly TimedResult[]
}

/** Nodes that answer do so within milliseconds of each other. How many there are, nobody knows. */
export const SETTLE_MS = 500
/** Nodes without an interest stay silent. Those with one answer sooner: their backlog holds seconds of work. */
export const SILENCE_MS = 30_000
/** How long a task may take, unless a node's settings say otherwise. */
export const DEFAULT_TASK_MS = 600_000

/**
 * The state of a task. It ends 500 ms after a result if each of its requests has one, else after 30 s without one, and in
 * any case `maxMs` after its start. Results that come later are added for as long as none is 30 s after the one before.
 */
export function taskOf(facts: TaskFacts, nowMs: number, maxMs: number): Task {
  const { id, requests } = facts
  const [first] = requests
  const { counted, end } = courseOf(facts, nowMs, maxMs)
  const nodes = byNode(counted.map(({ result }) => result))
  return {
    taskId: id.taskId,
    ...stateOf(end, id, nodes),
    madeAtMs: id.madeAtMs,
    ...(first && { strategy: first.strategy, priority: first.priority }),
    ...(first && { pairs: requests.reduce((sum, { pairs }) => sum + pairs, 0) }),
    warmed: nodes.reduce((sum, { warmed }) => sum + warmed, 0),
    nodes,
  }
}

export function isOver({ state }: Pick<Task, 'state'>): boolean {
  return state !== 'pending' && state !== 'running'
}

/** Requests may be held until they are due. If none is known any more, the first result tells. */
export function startOf({ id: { madeAtMs }, requests, results }: TaskFacts): number {
  const times = requests.length === 0 ? results.slice(0, 1).map(({ atMs }) => atMs) : requests.map(dueOf)
  return times.reduce<number>((last, timeMs = madeAtMs) => Math.max(last, timeMs), madeAtMs)
}

function dueOf({ notBeforeMs, issuedAtMs }: RequestFacts): number | undefined {
  return notBeforeMs ?? issuedAtMs
}

/** How a task ended. */
interface End {
  readonly unanswered: number
  /** It was not done when its time was over. */
  readonly timedOutMs: number | undefined
}

interface Course {
  readonly counted: readonly TimedResult[]
  /** Undefined while it goes on. */
  readonly end: End | undefined
}

function courseOf(facts: TaskFacts, nowMs: number, maxMs: number): Course {
  const { id, results } = facts
  const startMs = startOf(facts)
  const lastMs = startMs + maxMs
  const unanswered = new Set(id.requestIds)
  const counted: TimedResult[] = []
  let newestMs = Number.NEGATIVE_INFINITY
  let isOver = id.requestIds.length === 0
  // A request that is refused before it is due has its answer, too.
  const quietEndMs = () => (unanswered.size === 0 ? newestMs + SETTLE_MS : Math.max(startMs, newestMs) + SILENCE_MS)
  for (const each of results.toSorted((a, b) => a.atMs - b.atMs)) {
    if (each.atMs > Math.min(Math.max(startMs, newestMs) + SILENCE_MS, lastMs)) break
    isOver ||= each.atMs > quietEndMs()
    newestMs = each.atMs
    unanswered.delete(each.result.requestId)
    counted.push(each)
  }
  const isLate = unanswered.size > 0 && quietEndMs() > lastMs
  isOver ||= nowMs >= Math.min(quietEndMs(), lastMs)
  const end = { unanswered: unanswered.size, timedOutMs: isLate ? maxMs : undefined }
  return { counted, end: isOver ? end : undefined }
}

function stateOf(
  end: End | undefined,
  { requestIds }: TaskId,
  nodes: readonly NodeResult[],
): Pick<Task, 'state' | 'reason'> {
  if (end === undefined) return { state: nodes.length === 0 ? 'pending' : 'running' }
  const { unanswered, timedOutMs } = end
  if (requestIds.length === 0) return { state: 'done', reason: 'there was nothing to warm' }
  const answered = `${requestIds.length - unanswered} of ${requestIds.length} requests were answered`
  if (timedOutMs !== undefined)
    return { state: 'failed', reason: `timed out after ${Math.round(timedOutMs / 1000)} s: ${answered}` }
  if (nodes.length === 0)
    return {
      state: 'failed',
      reason: 'no node has answered: none that warms has an interest in these pairs, or it has ended',
    }
  const refusing = nodes.filter(({ status }) => status === 'refused')
  if (refusing.length === nodes.length)
    return { state: 'refused', reason: `refused by ${refusing.map(refusalText).join(', ')}` }
  if (unanswered > 0) return { state: 'partial', reason: answered }
  const failing = nodes.filter(({ status }) => status === 'failed')
  if (failing.length + refusing.length === nodes.length)
    return { state: 'failed', reason: `failed on ${namesOf(failing)}` }
  const lacking = nodes.filter(({ status }) => status !== 'done' && status !== 'shadow')
  if (lacking.length === 0) return { state: 'done' }
  return { state: 'partial', reason: lacking.map(({ node, status }) => `${status} on ${node}`).join(', ') }
}

function refusalText({ node, reason }: NodeResult): string {
  return reason === undefined ? node : `${node} (${reason})`
}

function namesOf(nodes: readonly NodeResult[]): string {
  return nodes.map(({ node }) => node).join(', ')
}

/** A record may be delivered twice: the last result of a node to a request counts. */
function byNode(results: readonly WarmResult[]): readonly NodeResult[] {
  const nodes = new Map<string, Map<string, WarmResult>>()
  for (const result of results) {
    const ofNode = nodes.get(result.node) ?? new Map<string, WarmResult>()
    nodes.set(result.node, ofNode.set(result.requestId, result))
  }
  return [...nodes].map(([node, ofNode]) => nodeResult(node, [...ofNode.values()]))
}

function nodeResult(node: string, results: readonly WarmResult[]): NodeResult {
  const sum = (count: (result: WarmResult) => number) => results.reduce((total, result) => total + count(result), 0)
  const isShadow = ({ status }: WarmResult) => status === 'shadow'
  const reason = results.find((result) => result.reason !== undefined)?.reason
  return {
    node,
    status: together(new Set(results.map(({ status }) => status))),
    ...(reason !== undefined && { reason }),
    warmed: sum((result) => (isShadow(result) ? 0 : result.warmed)),
    wouldWarm: sum((result) => (isShadow(result) ? result.warmed : 0)),
    alreadyInL1: sum(({ alreadyInL1 }) => alreadyInL1),
    notFound: sum(({ notFound }) => notFound),
    refusedOlder: sum(({ refusedOlder }) => refusedOlder),
    notInterested: sum(({ notInterested }) => notInterested),
    durationMs: Math.max(...results.map(({ durationMs }) => durationMs)),
  }
}

/** The status of several results of one node. */
function together(statuses: ReadonlySet<WarmStatus>): WarmStatus {
  const [only] = statuses
  if (statuses.size === 1 && only !== undefined) return only
  return [...statuses].every((status) => status === 'done' || status === 'shadow') ? 'done' : 'partial'
}
