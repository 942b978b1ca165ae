import { setImmediate as nextTurn } from 'node:timers/promises'
import { pairHash } from '../pair-hash.ts'
import type { AccessHistory } from '../prediction/access-history.ts'
import type { PairNames } from '../prediction/patterns-document.ts'
import { SHARES } from './day-hashes.ts'

const PAIRS_A_TURN = 2_000

/** The pairs of each share. Shares never change: an entry of another node has the same pairs as ours. */
export async function pairsByShare(
  history: AccessHistory,
  namesOf: (pairId: number) => PairNames,
): Promise<readonly (readonly number[])[]> {
  const shares = Array.from({ length: SHARES }, (): number[] => [])
  let pairs = 0
  for (const pairId of [...history.pairIds()]) {
    shares[shareOf(namesOf(pairId))]?.push(pairId)
    if (++pairs % PAIRS_A_TURN === 0) await nextTurn()
  }
  return shares
}

/** The last multiplication spreads what the last letters change. */
export function shareOf({ chain, pair }: PairNames): number {
  const hash = pairHash(chain, pair)
  return (Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 16) % SHARES
}
