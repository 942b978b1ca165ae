import { type Usage, WARM_KINDS, type WarmCounts } from '../../src/cache/l1/usage.ts'
import type { StrategyFigures, WarmingStats } from '../../src/http/warming-operations.ts'
import type { TaskQueueFigures } from '../../src/tasks/task-queue.ts'
import type { KindCounts, WarmerStats } from '../../src/warming/warm-counts.ts'

/** How warming went on this node since its start. */
export function warmingStats(warmer: WarmerStats, usage: Usage, tasks: TaskQueueFigures): WarmingStats {
  const { done, partial, timeout, failed } = warmer.byStatus
  const operations = done + partial + timeout + failed
  const byStrategy = WARM_KINDS.flatMap((kind, at): [string, StrategyFigures][] => {
    const [counts, warms] = [warmer.byKind[at], usage.warmsByKind[at]]
    if (counts === undefined || warms === undefined || counts.operations + warms.admitted === 0) return []
    return [[kind.replaceAll('-', '_'), figuresOf(counts, warms)]]
  })
  return {
    totalWarmed: usage.warmCounts.admitted,
    byStrategy: Object.fromEntries(byStrategy),
    successRate: operations === 0 ? undefined : (done + partial) / operations,
    avgDurationMs: operations === 0 ? undefined : warmer.totalDurationMs / operations,
    tasks,
  }
}

function figuresOf({ operations }: KindCounts, { admitted, used, unused }: Readonly<WarmCounts>): StrategyFigures {
  const judged = used + unused
  return { operations, warmed: admitted, used, accuracy: judged === 0 ? undefined : used / judged }
}
