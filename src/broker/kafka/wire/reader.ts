/** An answer contradicts itself, which shows at byte `at`. */
export class MalformedAnswer extends Error {
  readonly at: number

  constructor(reason: string, at: number) {
    super(`${reason} at byte ${at}`)
    this.name = 'MalformedAnswer'
    this.at = at
  }
}

/**
 * Reads the types of Kafka's protocol. Numbers are big endian. A compact string or array begins with its length + 1 as an
 * unsigned varint, 0 for null. A read beyond the bytes that are there throws a MalformedAnswer.
 */
export class ByteReader {
  readonly bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get at(): number {
    return this.#at
  }

  int8(): number {
    return this.bytes.readInt8(this.#take(1))
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#take(4))
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.#take(8))
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  /** 16 bytes as hexadecimal digits. */
  uuid(): string {
    const at = this.#take(16)
    return this.bytes.toString('hex', at, at + 16)
  }

  unsignedVarint(): number {
    let value = 0
    for (let shift = 1; shift <= 2 ** 28; shift *= 128) {
      const byte = this.bytes[this.#take(1)] as number
      value += (byte & 0x7f) * shift
      if (byte < 0x80) return value
    }
    throw new MalformedAnswer('an unsigned varint of more than five bytes', this.#at)
  }

  compactString(): string {
    return this.compactNullableString() ?? this.#fail('null in place of a string')
  }

  compactNullableString(): string | undefined {
    const length = this.unsignedVarint() - 1
    if (length < 0) return undefined
    const at = this.#take(length)
    return this.bytes.toString('utf8', at, at + length)
  }

  string(): string {
    return this.nullableString() ?? this.#fail('null in place of a string')
  }

  nullableString(): string | undefined {
    const length = this.int16()
    if (length < 0) return undefined
    const at = this.#take(length)
    return this.bytes.toString('utf8', at, at + length)
  }

  /** A slice of the answer; empty for null. */
  compactBytes(): Buffer {
    const length = Math.max(0, this.unsignedVarint() - 1)
    const at = this.#take(length)
    return this.bytes.subarray(at, at + length)
  }

  /** A slice of the answer; empty for null. */
  sizedBytes(): Buffer {
    const length = Math.max(0, this.int32())
    const at = this.#take(length)
    return this.bytes.subarray(at, at + length)
  }

  /** Empty for null. An element takes at least a byte: a length beyond the bytes left is malformed. */
  compactArray<T>(element: () => T): T[] {
    return this.#elements(this.unsignedVarint() - 1, element)
  }

  array<T>(element: () => T): T[] {
    return this.#elements(this.int32(), element)
  }

  /** Reads the tagged fields. `known` may read the content of a field; what it does not read is passed over. */
  tags(known?: (tag: number) => void): void {
    for (let left = this.unsignedVarint(); left > 0; left--) {
      const tag = this.unsignedVarint()
      const size = this.unsignedVarint()
      const end = this.#at + size
      if (end > this.bytes.length) this.#fail(`a tagged field of ${size} bytes`)
      known?.(tag)
      if (this.#at > end) this.#fail(`more than the ${size} bytes of tagged field ${tag}`)
      this.#at = end
    }
  }

  #elements<T>(length: number, element: () => T): T[] {
    if (length > this.bytes.length - this.#at) this.#fail(`an array of ${length} elements`)
    const elements: T[] = []
    for (let left = length; left > 0; left--) elements.push(element())
    return elements
  }

  #take(length: number): number {
    const at = this.#at
    if (at + length > this.bytes.length) this.#fail(`${length} bytes beyond the end`)
    this.#at = at + length
    return at
  }

  #fail(reason: string): never {
    throw new MalformedAnswer(reason, this.#at)
  }
}
