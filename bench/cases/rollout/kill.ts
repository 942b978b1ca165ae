import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { createKafkaBroker, createNode, createPricePublisher, detector, type ForewarmNode } from '../../../index.ts'
import { partitionOf } from '../../../schemas/topics.ts'
import type { Stage } from '../../stages/stage.ts'

const PAIRS = 120
const APART = 40
const ROUND_MS = 25
const ROUNDS_BEFORE = 20
/** After the command, promotions are looked for so long. */
const LOOK_MS = 2_000

export interface Killed {
  /** Milliseconds from the command to the last warm that went into L1: on the node where it was given, and on the other. */
  readonly hereMs: number
  readonly otherMs: number
}

/** Two nodes that warm all the time; one of them is told to kill. */
export async function killed(stage: Stage): Promise<Killed> {
  const { brokers, redisUrl } = await stage.backends()
  const broker = createKafkaBroker({ brokers, clientId: 'bench-kill' })
  const topic = await stage.topic(2)
  const service = stage.unique('kill')
  const chains = chainsOf(2)
  const start = async (): Promise<ForewarmNode> => {
    const node = await createNode({
      broker: createKafkaBroker({ brokers, clientId: 'bench-kill-node' }),
      detectors: [siblings],
      env: {},
      logLevel: 'error',
      config: {
        kafka: { priceTopics: [topic] },
        node: { service, lookAhead: 'await' },
        warming: { rollout: 'full', controlShare: 0 },
        cache: { l1Slots: PAIRS / 6, redisUrls: [redisUrl] },
        http: { port: 0 },
      },
    })
    await node.start()
    return node
  }
  const [here, other] = [await start(), await start()]
  const producer = broker.producer()
  await producer.connect()
  const publisher = createPricePublisher({ producer, topic, partitions: 2 })
  const feed = new Feed(async () => {
    const eventTimeMs = Date.now()
    for (const chain of chains)
      for (let n = 0; n < PAIRS; n++) void publisher.produce({ chain, pair: `P${n}`, price: 1, eventTimeMs })
  })
  try {
    void feed.run()
    await pause(ROUND_MS * ROUNDS_BEFORE)
    while ([here, other].some((node) => node.stats().warms.admitted === 0)) await pause(ROUND_MS)
    const commandMs = performance.now()
    const killing = here.rollout.kill({ by: 'bench' })
    const lasts = await Promise.all([lastWarm(here, commandMs), lastWarm(other, commandMs)])
    await killing
    return { hereMs: lasts[0], otherMs: lasts[1] }
  } finally {
    await feed.stop()
    await Promise.all([here.close(), other.close()])
    await producer.close()
    await broker.close()
  }
}

const siblings = detector('siblings', {}, async ({ chain, pair }, prices) => {
  const n = Number(pair.slice(1))
  await prices.getMany(chain, [`P${(n + APART) % PAIRS}`, `P${(n + 2 * APART) % PAIRS}`])
})

/** When the node has put its last warm into L1, milliseconds after the command. */
async function lastWarm(node: ForewarmNode, commandMs: number): Promise<number> {
  let admitted = node.stats().warms.admitted
  let lastMs = 0
  while (performance.now() - commandMs < LOOK_MS) {
    await nextTurn()
    const now = node.stats().warms.admitted
    if (now === admitted) continue
    admitted = now
    lastMs = performance.now() - commandMs
  }
  return lastMs
}

/** A chain for each partition. */
function chainsOf(partitions: number): readonly string[] {
  return Array.from({ length: partitions }, (_, partition) => {
    for (let n = 0; ; n++) if (partitionOf(`chain-${n}`, partitions) === partition) return `chain-${n}`
  })
}

class Feed {
  readonly #round: () => Promise<void>
  #isOver = false
  #running: Promise<void> | undefined

  constructor(round: () => Promise<void>) {
    this.#round = round
  }

  run(): Promise<void> {
    this.#running ??= this.#run()
    return this.#running
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.#round()
      await pause(ROUND_MS)
    }
  }
}
