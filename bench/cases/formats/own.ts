import { format } from '../../../index.ts'
import type { Figure } from '../../harness/bench.ts'
import { contest } from '../../harness/contest.ts'
import { catchUp } from '../../stages/bench-node.ts'
import type { Stage } from '../../stages/stage.ts'
import { fillTopic, PARTITIONS } from '../../traffic/price-feed.ts'

const ELSEWHERE = { chain: { const: 'x' }, pair: 's', price: 'p', eventTimeMs: 't', extra: { size: 'q' } }
/** Those of other topics, and our own by its name. */
const FORMATS = [
  format('somebody.elses', ELSEWHERE),
  format(/^bench-(?!.)/, ELSEWHERE),
  format(/./, { type: 'forewarm' }),
]

/** What formats of other topics cost a topic of our own format: the same node with and without them. */
export async function ownFormat(stage: Stage): Promise<readonly Figure[]> {
  const updates = stage.amount(1_000_000, 60_000)
  const topic = await stage.topic(PARTITIONS)
  const feed = await fillTopic(stage, { topic, updates, updatesPerRecord: 1, encoding: 'json' })
  const speed = async (formats: typeof FORMATS) => {
    const { emptyRedis } = await stage.backends()
    await emptyRedis()
    return (updates * 1000) / (await catchUp(stage, { ...feed, formats }))
  }
  return contest(stage, {
    unit: 'updates/s',
    better: 'higher',
    rounds: stage.amount(2 * stage.runs, 2),
    anchor: 'the same node without formats',
    measureAnchor: () => speed([]),
    ours: { 'our own format, beside formats of other topics': () => speed(FORMATS) },
  })
}
