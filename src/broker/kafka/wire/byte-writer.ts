import { enlarged } from '../../../../schemas/enlarged.ts'

/** Bytes in the order of Kafka's protocol: big endian, variable lengths zigzag encoded, a growing buffer behind. */
export class ByteWriter {
  #bytes: Buffer
  #at = 0

  constructor(capacityBytes: number) {
    this.#bytes = Buffer.allocUnsafe(capacityBytes)
  }

  get position(): number {
    return this.#at
  }

  /** The bytes that were written. They share their memory with the writer. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  /** Makes room, so that the writes of so many bytes need not ask. */
  reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    this.#bytes = enlarged(this.written, Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + bytes)))
  }

  /** Goes back and forgets the bytes that were written from there on. */
  truncate(position: number): void {
    this.#at = position
  }

  int8(value: number): void {
    this.#bytes[this.#at++] = value
  }

  int16(value: number): void {
    this.#at = this.#bytes.writeInt16BE(value, this.#at)
  }

  int32(value: number): void {
    this.#at = this.#bytes.writeInt32BE(value, this.#at)
  }

  int64(value: bigint): void {
    this.#at = this.#bytes.writeBigInt64BE(value, this.#at)
  }

  /** For what is known only later. */
  int32At(position: number, value: number): void {
    this.#bytes.writeInt32BE(value, position)
  }

  uint32At(position: number, value: number): void {
    this.#bytes.writeUInt32BE(value, position)
  }

  /** Any integer from -2^51 to 2^51. */
  varint(value: number): void {
    let rest = value < 0 ? -2 * value - 1 : 2 * value
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.#at++] = rest
  }

  bytes(bytes: Buffer): void {
    bytes.copy(this.#bytes, this.#at)
    this.#at += bytes.length
  }

  /** `bytes` is the length in UTF-8. Latin-1 is the faster way if both are the same. */
  text(text: string, bytes: number): void {
    this.#bytes.write(text, this.#at, text.length === bytes ? 'latin1' : 'utf8')
    this.#at += bytes
  }
}

/** Bytes that `ByteWriter.varint` takes for it. */
export function varintBytes(value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  let bytes = 1
  while (rest >= 0x80) {
    rest = Math.floor(rest / 0x80)
    bytes += 1
  }
  return bytes
}
