import type { WarmResult } from '../../schemas/warm-result.ts'
import type { RequestFacts, TimedResult } from './task.ts'
import type { TaskId } from './task-id.ts'

/** What a node has read of a task. */
export interface TaskEntry {
  readonly id: TaskId
  readonly requests: RequestFacts[]
  readonly results: TimedResult[]
  /** The next offset to read of each partition of the results that has the task's. */
  readonly positions: Map<number, bigint>
  /** Nothing more is to be read of it. */
  isClosed: boolean
}

export const MAX_TASKS = 1_000
/** A result takes some 200 bytes without the outcomes of its pairs. */
const MAX_RESULTS = 10_000

export function taskEntry(id: TaskId, requests: readonly RequestFacts[] = []): TaskEntry {
  return { id, requests: [...requests], results: [], positions: new Map(), isClosed: id.requestIds.length === 0 }
}

/** Adds a result unless it is there, without the outcomes of its pairs. */
export function addResult({ results }: TaskEntry, { outcomes: _, ...result }: WarmResult, atMs: number): void {
  const isThere = results.some((each) => each.result.requestId === result.requestId && each.result.node === result.node)
  if (!isThere && results.length < MAX_RESULTS) results.push({ result, atMs })
}

/** The tasks that a node was asked about, MAX_TASKS at most: the oldest closed one makes room, else the oldest. */
export class TaskTable {
  readonly #entries = new Map<string, TaskEntry>()

  get size(): number {
    return this.#entries.size
  }

  get(taskId: string): TaskEntry | undefined {
    return this.#entries.get(taskId)
  }

  add(entry: TaskEntry): void {
    if (this.#entries.size >= MAX_TASKS) this.#makeRoom()
    this.#entries.set(entry.id.taskId, entry)
  }

  #makeRoom(): void {
    let victim: string | undefined
    for (const [taskId, { isClosed }] of this.#entries) {
      victim ??= taskId
      if (!isClosed) continue
      victim = taskId
      break
    }
    if (victim !== undefined) this.#entries.delete(victim)
  }
}
