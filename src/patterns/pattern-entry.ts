import { promisify } from 'node:util'
import { deflate, inflate } from 'node:zlib'
import { DAY_HOURS } from '../prediction/access-history.ts'
import { type PairReads, type PatternsDocument, parsePatterns } from '../prediction/patterns-document.ts'

/**
 * The reads of a day, those of one share of the pairs, as a value in Redis. Each piece is a document of patterns with some of the pairs:
 *
 *   FWP  version  state   ( length  deflated JSON )   ( length  deflated JSON )   …
 *
 * Packing and unpacking is done a piece at a time, so that neither holds the event loop for long.
 */
const MAGIC = 'FWP'
const VERSION = 1
const HEADER_BYTES = 5
const LENGTH_BYTES = 4
const OPEN = 0
const FINAL = 1
/** Pairs in one piece: about a millisecond's work. */
const PAIRS_A_PIECE = 1_000
/** A thousand pairs with the longest names take less. */
const MOST_PIECE_BYTES = 4 * 1024 * 1024

/** Why an entry cannot be read: it is damaged, of another release, or has hours that begin here in an hour or later. */
export const REFUSALS = ['corrupt', 'version', 'ahead'] as const
export type Refusal = (typeof REFUSALS)[number]

export interface PatternEntry {
  /** The hours that are known, both inclusive. */
  readonly firstHour: number
  readonly lastHour: number
  /** Nobody will write this entry again. */
  readonly isFinal: boolean
}

const packed = promisify<Buffer, Buffer>(deflate)
const unpacked = promisify<Buffer, { readonly maxOutputLength: number }, Buffer>(inflate)

/** Undefined if there are no pairs. */
export async function encodeEntry(entry: PatternEntry, pairs: Iterable<PairReads>): Promise<Buffer | undefined> {
  const { firstHour, lastHour, isFinal } = entry
  const parts: Buffer[] = [Buffer.from([...Buffer.from(MAGIC), VERSION, isFinal ? FINAL : OPEN])]
  for (const some of inPieces(pairs)) {
    const document: PatternsDocument = { kind: 'forewarm-patterns', version: 1, firstHour, lastHour, pairs: some }
    const piece = await packed(Buffer.from(JSON.stringify(document)))
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(piece.length)
    parts.push(length, piece)
  }
  return parts.length === 1 ? undefined : Buffer.concat(parts)
}

function* inPieces(pairs: Iterable<PairReads>): Iterable<readonly PairReads[]> {
  let piece: PairReads[] = []
  for (const pair of pairs) {
    piece.push(pair)
    if (piece.length < PAIRS_A_PIECE) continue
    yield piece
    piece = []
  }
  if (piece.length > 0) yield piece
}

/**
 * Hands the pieces to `take`, one after the other, until one is wrong: a piece that is whole is right whatever follows
 * it. All hours must be of `day`. They may go to the hour after `now`, as the clock of another node may be ahead.
 */
export async function decodeEntry(
  value: Buffer,
  { day, now }: { readonly day: number; readonly now: number },
  take: (document: PatternsDocument) => void,
): Promise<{ readonly isFinal: boolean } | Refusal> {
  if (value.length <= HEADER_BYTES || value.toString('latin1', 0, MAGIC.length) !== MAGIC) return 'corrupt'
  if (value[MAGIC.length] !== VERSION) return 'version'
  for (let at = HEADER_BYTES; at < value.length; ) {
    const end = at + LENGTH_BYTES <= value.length ? at + LENGTH_BYTES + value.readUInt32BE(at) : Number.MAX_SAFE_INTEGER
    if (end > value.length) return 'corrupt'
    const document = await documentIn(value.subarray(at + LENGTH_BYTES, end))
    if (document === undefined || Math.floor(document.firstHour / DAY_HOURS) !== day) return 'corrupt'
    if (Math.floor(document.lastHour / DAY_HOURS) !== day) return 'corrupt'
    if (document.lastHour > now + 1) return 'ahead'
    take(document)
    at = end
  }
  return { isFinal: value[HEADER_BYTES - 1] === FINAL }
}

async function documentIn(piece: Buffer): Promise<PatternsDocument | undefined> {
  try {
    const text = await unpacked(piece, { maxOutputLength: MOST_PIECE_BYTES })
    const parsed = parsePatterns(JSON.parse(text.toString('utf8')))
    return parsed.ok ? parsed.document : undefined
  } catch {
    return undefined
  }
}
