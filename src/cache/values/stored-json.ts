import { isUtf8 } from 'node:buffer'

/** JSON as the caches hold it: the text that L2 stores, and the value that the text says, parsed when it is first read. */
export class StoredJson {
  readonly text: string
  /** How long the text is in UTF-8. */
  readonly bytes: number
  /** This process has set it, and L2 has not told of it yet. */
  #isOwn = true
  #value: unknown
  #isParsed = false

  constructor(text: string, bytes = Buffer.byteLength(text)) {
    this.text = text
    this.bytes = bytes
  }

  /** Undefined if the bytes are no JSON. They are parsed at once, so that no read meets the fault. */
  static of(bytes: Buffer): StoredJson | undefined {
    if (!isUtf8(bytes)) return undefined
    const json = new StoredJson(bytes.toString('utf8'), bytes.length)
    json.#isOwn = false
    try {
      json.#parse()
    } catch {
      return undefined
    }
    return json
  }

  /** All who read it get the same object. It is none that a caller has passed to the cache. */
  get value(): unknown {
    if (!this.#isParsed) this.#parse()
    return this.#value
  }

  /** L2 has told of the value. Returns whether that was the first time, and the value one that this process has set. */
  told(): boolean {
    const isOwn = this.#isOwn
    this.#isOwn = false
    return isOwn
  }

  #parse(): void {
    this.#value = JSON.parse(this.text)
    this.#isParsed = true
  }
}
