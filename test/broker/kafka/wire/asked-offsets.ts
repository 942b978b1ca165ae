import { ByteReader } from '../../../../src/broker/kafka/wire/reader.ts'

/** The partitions and times that the body of a ListOffsets request has. */
export function askedOffsets(body: Buffer): { readonly partition: number; readonly timestampMs: bigint }[] {
  const reader = new ByteReader(body)
  reader.int32()
  reader.int8()
  const topics = reader.array(() => {
    reader.string()
    return reader.array(() => {
      const partition = reader.int32()
      reader.int32()
      return { partition, timestampMs: reader.int64() }
    })
  })
  return topics.flat()
}
