import type { WireRequest } from './connection.ts'

export interface InitializedProducerId {
  readonly error: number
  readonly id: bigint
  readonly epoch: number
}

/** Version 2 only has other lengths. */
export const INIT_PRODUCER_ID = { apiKey: 22, lowest: 0, highest: 1 } as const
const NO_TRANSACTION = -1

/** An id for a producer without transactions: nobody else has it or gets it. */
export function initProducerIdRequest(version: number): WireRequest<InitializedProducerId> {
  return {
    apiKey: INIT_PRODUCER_ID.apiKey,
    apiName: 'InitProducerId',
    version,
    isFlexible: false,
    bytes: 8,
    encode: (writer) => {
      writer.int16(NO_TRANSACTION)
      writer.int32(NO_TRANSACTION)
    },
    decode: (reader) => {
      const throttleMs = reader.int32()
      return { throttleMs, answer: { error: reader.int16(), id: reader.int64(), epoch: reader.int16() } }
    },
  }
}
