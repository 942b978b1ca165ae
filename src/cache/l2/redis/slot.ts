export const SLOTS = 16_384

/** The cluster slot of a key of ours: CRC-16 (XMODEM) of the bytes between the first brace and the next closing one. */
export function slotOfKey(key: string): number {
  const from = key.indexOf('{') + 1
  let crc = 0
  for (const byte of Buffer.from(key.slice(from, key.indexOf('}', from)))) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
  }
  return (crc & 0xffff) % SLOTS
}

/** Slots `from` to `to`, both inclusive, and the `host:port` of their master. */
export interface SlotRange {
  readonly from: number
  readonly to: number
  readonly address: string
}

/** Reads the answer of a server at `askedHost` to CLUSTER SLOTS; `undefined` if it cannot be read. */
export function slotRanges(reply: unknown, askedHost: string): readonly SlotRange[] | undefined {
  if (!Array.isArray(reply)) return undefined
  const ranges: SlotRange[] = []
  for (const row of reply) {
    if (!Array.isArray(row) || !Array.isArray(row[2])) return undefined
    const [from, to, [host, port]] = row
    if (typeof from !== 'number' || typeof to !== 'number' || typeof port !== 'number') return undefined
    // A server that does not know its own address leaves it out; then it is the one that was asked.
    ranges.push({ from, to, address: addressOf(typeof host === 'string' && host !== '' ? host : askedHost, port) })
  }
  return ranges
}

/** Which server to ask for a slot, instead of the one that was asked. */
export interface Redirection {
  readonly kind: 'MOVED' | 'ASK'
  readonly slot: number
  readonly address: string
}

/**
 * Reads `MOVED 3999 127.0.0.1:6381`; `undefined` for any other reason. The host may be left out, as above, and an IPv6
 * address has no brackets.
 */
export function redirectionOf(reason: string, askedHost: string): Redirection | undefined {
  const found = /^(MOVED|ASK) (\d+) (.*):(\d+)$/.exec(reason)
  if (found === null || Number(found[2]) >= SLOTS) return undefined
  const [, kind, slot, host = '', port] = found
  const address = addressOf(host === '' ? askedHost : host, Number(port))
  return { kind: kind === 'ASK' ? 'ASK' : 'MOVED', slot: Number(slot), address }
}

/** The address as a URL has it. */
function addressOf(host: string, port: number): string {
  return `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
}
