import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Residency } from '../../../src/cache/l1/residency.ts'
import type { Ratio } from '../../harness/bench.ts'
import { singleRatio } from '../../harness/single-ratio.ts'
import { DATASETS } from '../../traffic/datasets.ts'

/** Hit ratios of S3-FIFO by libCacheSim at 1, 5, 10 and 20 % of the keys (README.md of the recorded data). */
const ELSEWHERE: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  web12: { 138: 0.4106, 688: 0.6483, 1376: 0.7226, 2751: 0.7803 },
  multi3: { 75: 0.1505, 373: 0.3516, 745: 0.4528, 1491: 0.4874 },
  'orm-busy': { 763: 0.7564, 3817: 0.8525, 7635: 0.8889, 15270: 0.9279 },
}

/** The hit ratio of L1's residency on recorded accesses, not warmed; deterministic, so one run. Throws without the data. */
export function* hitRatios(): Iterable<Ratio> {
  for (const [trace, row] of Object.entries(ELSEWHERE)) {
    const text = gunzipSync(readFileSync(join(DATASETS, 'access', `${trace}.txt.gz`))).toString()
    const keys = Int32Array.from(text.trim().split('\n'), Number)
    for (const [slots, elsewhere] of Object.entries(row)) {
      const what = { case: `hit ratio, ${trace}, ${slots} slots`, unit: 'ratio', anchor: 'S3-FIFO elsewhere' }
      yield singleRatio(what, hitRatio(keys, Number(slots)), elsewhere)
    }
  }
}

function hitRatio(keys: Int32Array, slots: number): number {
  const maxPairs = keys.reduce((most, key) => Math.max(most, key + 1), 0)
  const residency = new Residency({ slots, maxPairs, warmShare: 0.3 })
  let hits = 0
  for (const key of keys) {
    const slot = residency.slotOf(key)
    if (slot >= 0) {
      hits++
      residency.hit(slot)
    } else {
      residency.miss(key)
      residency.admit(key, 'demand')
    }
  }
  return hits / keys.length
}
