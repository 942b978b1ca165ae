import { BrokerError } from '../../port.ts'
import { toBrokerError } from '../errors.ts'
import { errorOfCode } from '../wire/kafkajs.ts'
import type { ProducedPartition, RefusedRecord } from '../wire/produce.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { NOT_NUMBERED, type ProducerIds } from './producer-id.ts'
import type { Batch } from './send.ts'
import { leavesDoubt, verdictOf } from './verdict.ts'

/** A batch that is on its way to the leader, with the queue in which it is the first. */
export interface Sent {
  readonly queue: PartitionQueue
  readonly batch: Batch
  /** Whether an earlier attempt may have stored it. */
  readonly wasInDoubt: boolean
}

const FIRST_BACK_OFF_MS = 50
const MAX_BACK_OFF_MS = 1_000

/** Settles a batch, or prepares its next attempt. A BrokerError stands for an answer that did not come. */
export function answered(sent: Sent, answer: ProducedPartition | BrokerError, ids: ProducerIds): void {
  const { queue, batch } = sent
  if (answer instanceof BrokerError) {
    if (answer.retriable) again(queue, answer)
    else batch.fail(answer)
    return
  }
  if (!leavesDoubt(answer.error)) batch.mayBeStored = sent.wasInDoubt
  const verdict = verdictOf(answer.error)
  if (verdict === 'stored') {
    queue.acknowledge(answer.offset)
    return
  }
  const failure = failureOf(queue, answer)
  switch (verdict) {
    case 'again':
      again(queue, failure, answer.leader)
      break
    case 'halve':
      halve(queue, batch, failure)
      break
    case 'sift':
      sift(queue, batch, answer)
      break
    case 'refused':
      batch.fail(failure)
      break
    default:
      numberAnew(sent, failure, { verdict, ids })
  }
}

/** Halves a batch until only the record that cannot be written is refused. */
export function unwritable(queue: PartitionQueue, batch: Batch, cause: unknown): void {
  const message = `a record for ${queue.topic} cannot be written: ${cause}`
  halve(queue, batch, new BrokerError('refused', message, { retriable: false, cause }))
}

/** Prepares another attempt after a growing wait. If the answer names a new leader, the first one is made at once. */
function again(queue: PartitionQueue, failure: BrokerError, leader?: number): void {
  const isNamed = leader !== undefined && leader >= 0 && leader !== queue.leader
  const backOffMs = Math.min(FIRST_BACK_OFF_MS * 2 ** queue.attempts, MAX_BACK_OFF_MS)
  queue.restMs = isNamed && queue.attempts === 0 ? 0 : backOffMs
  queue.leader = isNamed ? leader : undefined
  queue.failure = failure
  queue.attempts += 1
}

function halve(queue: PartitionQueue, batch: Batch, failure: BrokerError): void {
  if (batch.records.length === 1) batch.fail(failure)
  else queue.replaceFirst(batch.halved())
}

/** Refuses the records that the answer names, and keeps the others. Halves the batch if the answer names none. */
function sift(queue: PartitionQueue, batch: Batch, answer: ProducedPartition): void {
  const failures = new Map(answer.refused.map((record) => [record.index, failureOf(queue, answer, record)]))
  const isTold = failures.size > 0 && [...failures.keys()].every((index) => batch.records[index] !== undefined)
  if (isTold) queue.replaceFirst(batch.sifted(failures))
  else halve(queue, batch, failureOf(queue, answer))
}

interface Numbering {
  readonly verdict: 'renumber' | 'new-id' | 'unnumbered'
  readonly ids: ProducerIds
}

/**
 * Numbers the batch under another epoch, another id or not at all. If an earlier attempt had stored a whole batch, the
 * leader would have recognized its numbers and acknowledged it. It cannot recognize a part of that batch.
 */
function numberAnew({ queue, batch }: Sent, failure: BrokerError, { verdict, ids }: Numbering): void {
  const { producer, leader } = queue
  if (producer === undefined || producer === NOT_NUMBERED) {
    batch.fail(failure)
    return
  }
  again(queue, failure)
  queue.leader = leader
  if (verdict === 'unnumbered') {
    ids.giveUp(failure.message)
    queue.producer = NOT_NUMBERED
  } else if (verdict === 'new-id') {
    if (ids.current?.id === producer.id) ids.current = undefined
    queue.producer = undefined
  } else {
    if (!batch.isPart) batch.mayBeStored = false
    queue.renumber()
  }
}

/** Its message has the protocol's name of the error, and the broker's own words if there are some. */
function failureOf(
  { topic, partition }: PartitionQueue,
  answer: ProducedPartition,
  record?: RefusedRecord,
): BrokerError {
  const error = errorOfCode(answer.error)
  const { code, retriable } = toBrokerError(error, '')
  const told = record?.message ?? answer.message ?? error.message
  return new BrokerError(code, `sending to partition ${partition} of ${topic}: ${error.type}: ${told}`, {
    retriable,
    cause: error,
  })
}
