import { BrokerError } from '../../port.ts'
import { toBrokerError } from '../errors.ts'
import { CODE } from '../wire/codes.ts'
import { errorOfCode } from '../wire/kafkajs.ts'

/**
 * The meaning of a leader's answer for a batch:
 *
 * - `stored`: the batch is in the log, by this attempt or an earlier one.
 * - `again`: another attempt may succeed. The batch may be stored.
 * - `halve`: the batch is too large.
 * - `sift`: some records of the batch are refused.
 * - `renumber`: the leader does not have the batch before this one. This one is not stored.
 * - `new-id`: the leader knows a later epoch of this producer id. This attempt did not store the batch.
 * - `unnumbered`: the user may not number records.
 * - `refused`: no attempt will succeed.
 */
export type Verdict = 'stored' | 'again' | 'halve' | 'sift' | 'renumber' | 'new-id' | 'unnumbered' | 'refused'

const VERDICTS: ReadonlyMap<number, Verdict> = new Map([
  [CODE.none, 'stored'],
  [CODE.duplicateSequence, 'stored'],
  [CODE.messageTooLarge, 'halve'],
  [CODE.recordListTooLarge, 'halve'],
  [CODE.invalidTimestamp, 'sift'],
  [CODE.invalidRecord, 'sift'],
  [CODE.outOfOrderSequence, 'renumber'],
  [CODE.unknownProducerId, 'renumber'],
  [CODE.invalidProducerEpoch, 'new-id'],
  [CODE.producerFenced, 'new-id'],
  [CODE.clusterNotAuthorized, 'unnumbered'],
])

export function verdictOf(code: number): Verdict {
  return VERDICTS.get(code) ?? (errorOfCode(code).retriable ? 'again' : 'refused')
}

/** Whether a batch may be stored although its leader answered with this code. */
export function leavesDoubt(code: number): boolean {
  return code === CODE.unknown || verdictOf(code) === 'again'
}

/** An error for which neither Kafka nor the client has a code comes from the connection, and may be over later. */
export function failureOf(error: unknown, doing: string): BrokerError {
  const failure = toBrokerError(error, doing)
  if (failure.code !== 'failed') return failure
  return new BrokerError('unreachable', failure.message, { retriable: true, cause: error })
}
