import { ByteWriter } from './byte-writer.ts'

/** Writes the types of Kafka's requests that are more than numbers. */
export class RequestWriter extends ByteWriter {
  unsignedVarint(value: number): void {
    let rest = value
    for (; rest > 0x7f; rest >>>= 7) this.int8((rest & 0x7f) | 0x80)
    this.int8(rest)
  }

  compactString(text: string): void {
    const bytes = Buffer.byteLength(text)
    this.unsignedVarint(bytes + 1)
    this.text(text, bytes)
  }

  string(text: string): void {
    const bytes = Buffer.byteLength(text)
    this.int16(bytes)
    this.text(text, bytes)
  }

  /** `id` has 32 hexadecimal digits. */
  uuid(id: string): void {
    this.bytes(Buffer.from(id, 'hex'))
  }

  /** No tagged fields: our requests have none. */
  tags(): void {
    this.int8(0)
  }
}
