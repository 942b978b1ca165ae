import type { Priority, WarmStrategy } from '../../schemas/warm-request.ts'
import type { Task } from '../tasks/task.ts'
import type { TaskQueueFigures } from '../tasks/task-queue.ts'
import type { InvalidField } from './reply.ts'

/** What a caller wants to be warmed. */
export interface WarmWish {
  readonly strategy: WarmStrategy
  /** For `on_demand` and `predictive`; empty for the others. */
  readonly pairs: readonly string[]
  /** Without it: the chains in which the node knows the pairs, or all. */
  readonly chain?: string | undefined
  /** Without it, the strategy and the confidence of the prediction decide. */
  readonly priority?: Priority | undefined
  readonly limit?: number | undefined
  readonly windowHours?: number | undefined
  readonly lookAheadHours?: number | undefined
}

export type WishAnswer =
  | { readonly ok: true; readonly taskId: string }
  | { readonly ok: false; readonly errors: readonly InvalidField[] }

/** How one strategy's warms went on this node. */
export interface StrategyFigures {
  readonly operations: number
  readonly warmed: number
  readonly used: number
  /** Used ÷ (used + unused), undefined before any warm was judged. */
  readonly accuracy: number | undefined
}

export interface WarmingStats {
  readonly totalWarmed: number
  readonly byStrategy: Readonly<Record<string, StrategyFigures>>
  /** 0 to 1; undefined before the first operation. */
  readonly successRate: number | undefined
  readonly avgDurationMs: number | undefined
  readonly tasks: TaskQueueFigures
}

/** What a manual cycle did for one strategy. */
export interface CycleResult {
  readonly warmed: number
  readonly durationMs: number
}

/** Warms that people ask for. All of these reject with a BrokerError while Kafka is away. */
export interface WarmingOperations {
  /** Asks the nodes of the service. */
  wish(wish: WarmWish): Promise<WishAnswer>
  /** Undefined for a task that nobody has heard of. */
  status(taskId: string): Promise<Task | undefined>
  /** Runs each strategy that proposes pairs, and waits for what becomes of it. */
  runCycle(): Promise<Readonly<Record<string, CycleResult>>>
  stats(): WarmingStats
}
