import type { Figure } from '../../harness/bench.ts'
import { median } from '../../harness/quantile.ts'
import { startProcess } from '../../stages/own-process.ts'
import type { Stage } from '../../stages/stage.ts'
import type { LibraryCost, LibraryTask } from './library-process.ts'

const PROCESS = new URL('./library-process.ts', import.meta.url)
const ROUNDS = 5

/** What a cache and a warming take, each time in a new process. The documents name 2.1 MB, 5 % of a core and 3 ms. */
export async function besideDocuments(stage: Stage): Promise<readonly Figure[]> {
  const { redisUrl } = await stage.backends()
  const costs: LibraryCost[] = []
  for (let round = 0; round < stage.amount(ROUNDS, 1); round++) {
    const task: LibraryTask = { redisUrl, pairs: 5_000, readsPerSecond: 1_000, seconds: stage.amount(10, 2) }
    costs.push(await startProcess<LibraryCost>(PROCESS, task).answer)
  }
  const figure = (name: string, unit: string, of: (cost: LibraryCost) => number): Figure => ({
    ...{ kind: 'value', case: name, unit, value: median(costs.map(of)) },
  })
  return [
    figure('resident memory of a cache and a warming, 5,000 pairs (documents: 2.1)', 'MB', (cost) => cost.megabytes),
    figure('share of a core at 1,000 reads/s (documents: 5)', '%', (cost) => cost.corePercent),
    figure('mean latency of a read at 1,000 reads/s (documents: 3)', 'ms', (cost) => cost.readMs),
    figure('p95 of recordPriceUpdate (documents: 50)', 'µs', (cost) => cost.recordMicros),
  ]
}
