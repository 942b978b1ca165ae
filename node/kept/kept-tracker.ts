import type { PairName } from '../../src/cache/names/id-holders.ts'
import type { PairTable } from '../../src/cache/names/pair-table.ts'
import { UnwrittenLeaders } from '../../src/correlation/kept/unwritten-leaders.ts'
import { WaitingLeaders } from '../../src/correlation/kept/waiting-leaders.ts'
import type { MinedEdges } from '../../src/correlation/mined/mined-edges.ts'
import { Tracker } from '../../src/correlation/tracker.ts'
import type { CachesOptions, Kept } from '../options.ts'

export interface KeptTracker {
  readonly tracker: Tracker
  readonly kept: Kept | undefined
  /** The pair was delisted. */
  readonly forget: (pairId: number) => void
}

/** Makes the tracker, and what brings its edges to Kafka and back if they are kept. */
export function createTracker(
  { config, keepsAs: by }: Pick<CachesOptions, 'config' | 'keepsAs'>,
  table: PairTable,
  mined: MinedEdges | undefined,
): KeptTracker {
  const { maxTrackedPairs: maxPairs, top } = config.correlation
  const options = { maxPairs, top, ...(mined !== undefined && { mined }) }
  if (by === undefined) {
    const tracker = new Tracker(options)
    return { tracker, kept: undefined, forget: (pairId) => tracker.forget(pairId) }
  }
  const { service } = config.node
  const { from } = config.correlation
  const names = {
    namesOf: (pairId: number) => table.namesOf(pairId),
    idOf: (chain: string, pair: string) => table.register(chain, pair),
  }
  const onTaken = ({ chain, pair }: PairName) => unwritten.noteKept(table.find(chain, pair))
  const waiting = new WaitingLeaders({ service, from, by, maxLeaders: maxPairs, names, onTaken })
  const tracker = new Tracker({ ...options, waiting })
  const unwritten = new UnwrittenLeaders({ tracker, names, service, by })
  const forget = (pairId: number): void => {
    unwritten.delete(pairId, waiting.delete(table.namesOf(pairId)))
    tracker.forget(pairId)
  }
  return { tracker, kept: { waiting, unwritten }, forget }
}
