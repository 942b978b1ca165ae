import type { BrokerError, BrokerEvent } from '../../port.ts'
import { type Cluster, versionOf } from '../wire/cluster.ts'
import { CODE } from '../wire/codes.ts'
import { INIT_PRODUCER_ID, initProducerIdRequest } from '../wire/init-producer-id.ts'
import { errorOfCode } from '../wire/kafkajs.ts'
import { failureOf } from './verdict.ts'

/**
 * A leader counts the records of each producer id and epoch. It stores a batch once even if it comes twice, refuses one
 * that does not follow the last one, and refuses all batches of an earlier epoch.
 */
export interface ProducerId {
  readonly id: bigint
  readonly epoch: number
}

/** The id of batches without numbers. A leader stores them as often as they come. */
export const NOT_NUMBERED: ProducerId = { id: -1n, epoch: -1 }

const LAST_EPOCH = 32_767
const ASKING = 'asking for a producer id'

/** The same id in its next epoch; undefined if this one is the last. */
export function nextEpoch({ id, epoch }: ProducerId): ProducerId | undefined {
  if (id < 0n) return NOT_NUMBERED
  return epoch < LAST_EPOCH ? { id, epoch: epoch + 1 } : undefined
}

export interface ProducerIdOptions {
  readonly cluster: Pick<Cluster, 'anyone'>
  readonly answerMs: number
  readonly onEvent: (event: BrokerEvent) => void
}

/** Asks the cluster for the id of a producer. */
export class ProducerIds {
  readonly #options: ProducerIdOptions
  /** The id for partitions that have none yet; undefined until the cluster has given one. */
  current: ProducerId | undefined
  /** The reason why the last question gave no id. */
  failure: BrokerError | undefined

  constructor(options: ProducerIdOptions, isIdempotent: boolean) {
    this.#options = options
    if (!isIdempotent) this.current = NOT_NUMBERED
  }

  /** Rejects if no broker answers. */
  async ask(): Promise<'known' | 'not yet'> {
    this.failure = undefined
    try {
      const connection = await this.#options.cluster.anyone()
      const request = initProducerIdRequest(versionOf(connection, INIT_PRODUCER_ID, 'InitProducerId'))
      const { error, id, epoch } = await connection.send({ ...request, timeoutMs: this.#options.answerMs })
      if (error === CODE.none) this.current = { id, epoch }
      else this.failure = failureOf(errorOfCode(error), ASKING)
    } catch (error) {
      this.failure = failureOf(error, ASKING)
      if (this.failure.retriable) throw this.failure
    }
    if (this.failure?.retriable === false && this.failure.code !== 'closed') this.giveUp(this.failure.message)
    return this.current === undefined ? 'not yet' : 'known'
  }

  /** Has batches sent without numbers from now on. A second call changes nothing. */
  giveUp(reason: string): void {
    if (this.current !== NOT_NUMBERED) this.#options.onEvent({ type: 'not-idempotent', reason })
    this.current = NOT_NUMBERED
    this.failure = undefined
  }
}
