import type { ForewarmNode } from '../node/api/forewarm-node.ts'
import { type VirtualClock, virtualClock } from '../src/clock.ts'
import { assertOptions, type OptionsOf } from '../src/config/options.ts'
import { replay } from '../src/replay/replay.ts'
import type { ReplayReport } from '../src/replay/report.ts'
import type { InProcessSink } from '../src/replay/sink/process.ts'
import { assertNames, nameShown } from './names.ts'

/** The options of `replayFile`. */
export interface ReplayFileOptions {
  /** A recording, or NDJSON of price updates; packed if the name ends in .gz. */
  readonly file: string
  readonly apply: InProcessSink['apply']
  /** How long a promise of `apply` is waited for. One that takes longer is counted in the report's `failed`. */
  readonly timeoutMs?: InProcessSink['timeoutMs']
  readonly clock?: VirtualClock
  /** The state hash that has to come out; `true`: the one that the recording was closed with. */
  readonly verifyHash?: string | true
}

const REPLAY_FILE_OPTIONS: OptionsOf<ReplayFileOptions> = {
  ...{ file: true, apply: true, timeoutMs: true, clock: true, verifyHash: true },
}

/** Replays a file in this process as fast as it goes. The report holds the state hash: the same for the same file. */
export async function replayFile(options: ReplayFileOptions): Promise<ReplayReport> {
  assertOptions('replayFile', options, REPLAY_FILE_OPTIONS)
  const { file, apply, timeoutMs, clock = virtualClock(), verifyHash } = options
  return replay({ from: { file }, to: { inProcess: { apply, timeoutMs }, clock }, verifyHash })
}

/** The most pairs that a message names. */
const MOST_NAMED = 20

/** Expects pairs in the node's L1. Throws an error that names those which are not there. */
export function expectWarmed(node: Pick<ForewarmNode, 'has'>, chain: string, pairs: readonly string[]): void {
  assertNames('expectWarmed', pairs)
  const absent = pairs.filter((pair) => !node.has(chain, pair))
  if (absent.length === 0) return
  const named = absent.slice(0, MOST_NAMED).map(nameShown).join(', ')
  const more = absent.length > MOST_NAMED ? ` and ${absent.length - MOST_NAMED} more` : ''
  throw new Error(`expected ${pairs.length} pairs of ${nameShown(chain)} in L1, ${named}${more} are not`)
}
