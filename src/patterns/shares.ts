import { setImmediate as nextTurn } from 'node:timers/promises'
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

/** FNV-1a over the UTF-16 units of both names; a last multiplication spreads what the last letters change. */
export function shareOf({ chain, pair }: PairNames): number {
  let hash = 0x811c9dc5
  for (const name of [chain, pair])
    for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return (Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 16) % SHARES
}
