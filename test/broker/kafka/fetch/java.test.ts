import { describe, expect, test } from '@jest/globals'
import { decode, type Row } from './batches.ts'

/**
 * Made by the Java client (kafka-clients 4.1.0) with `MemoryRecords.builder`, `withEndTransactionMarker` and `filterTo`.
 * The compacted log had the offsets 10 to 24 in three batches; only 11, 13 and 20 are left.
 */
const BY_JAVA = {
  none:
    'AAAAAAAAAGQAAACh/////wID713HAAAAAAACAAABi8/laAAAAAGLz+VoBf//////////////////AAAAA3wAAAASV0VUSC9V' +
    'U0RDMmEgcHJpY2UsIGEgcHJpY2UsIGEgcHJpY2UGCnRyYWNlAjEKdHJhY2UCMghub25lAR4ACgISV0VUSC9VU0RDAQBAAM8P' +
    'BAEyYSBwcmljZSwgYSBwcmljZSwgYSBwcmljZQA=',
  gzip:
    'AAAAAAAAAGQAAACC/////wJWqJTHAAEAAAACAAABi8/laAAAAAGLz+VoBf//////////////////AAAAAx+LCAAAAAAAAP+r' +
    'YWBgEAp3DfHQDw12cTZKVCgoykxO1VFAZ7BxlRQlJqcyGUJpI468/LxURjkGLiaEdkYGB4bz/CyMuI1hAADES9YAcAAAAA==',
  snappy:
    'AAAAAAAAAGQAAACK/////wJzw5C+AAIAAAACAAABi8/laAAAAAGLz+VoBf//////////////////AAAAA4JTTkFQUFkAAAAA' +
    'AQAAAAEAAABFcFx8AAAAEldFVEgvVVNEQzJhIHByaWNlLCA+CQAgBgp0cmFjZQIxDQgoMghub25lAR4ACgIZPxwBAEAAzw8E' +
    'AWZHAAAA',
  lz4:
    'AAAAAAAAAGQAAACI/////wIFvUMAAAMAAAACAAABi8/laAAAAAGLz+VoBf//////////////////AAAAAwQiTRhgQIJIAAAA' +
    '/Al8AAAAEldFVEgvVVNEQzJhIHByaWNlLCAJAJMGCnRyYWNlAjEIALYyCG5vbmUBHgAKAj8AjwEAQADPDwQBRwADUHJpY2UA' +
    'AAAAAA==',
  zstd:
    'AAAAAAAAAGQAAACB/////wKEVhm5AAQAAAACAAABi8/laAAAAAGLz+VoBf//////////////////AAAAAyi1L/0AWCQCAFQD' +
    'fAAAABJXRVRIL1VTREMyYSBwcmljZSwgBgp0cmFjZQIxMghub25lAR4ACgIBAEAAzw8EAQAEAEpYLgToV9wDkTIGAQAA',
  appendTime:
    'AAAAAAAAAGQAAACh/////wKzkGuzAAgAAAACAAABi8/laAAAAAGLz+WLKP//////////////////AAAAA3wAAAASV0VUSC9V' +
    'U0RDMmEgcHJpY2UsIGEgcHJpY2UsIGEgcHJpY2UGCnRyYWNlAjEKdHJhY2UCMghub25lAR4ACgISV0VUSC9VU0RDAQBAAM8P' +
    'BAEyYSBwcmljZSwgYSBwcmljZSwgYSBwcmljZQA=',
  version1: 'AAAAAAAAAGQAAAAYOSaMMwEAAAABi8/laAAAAAABawAAAAF2',
  compacted:
    'AAAAAAAAAAoAAABJ/////wI41z9XAAAAAAAEAAABi8/laAEAAAGLz+VoAwAAAAAAAAAHAAAAAAAAAAAAAhYAAAIEazEGdjEx' +
    'ABYABAYEazMGdjEzAAAAAAAAAAAPAAAAMf////8Cygr4CwAAAAAABP//////////AAABi8/laAQAAAAAAAAABwAAAAAABQAA' +
    'AAAAAAAAAAAAFAAAAD3/////AtHBV7sAAAAAAAQAAAGLz+VoAAAAAYvP5WgAAAAAAAAAAAcAAAAAAAoAAAABFgAAAARrMAZ2' +
    'MjAA',
  transactions:
    'AAAAAAAAAAAAAAA7/////wLR8WqcABAAAAAAAAABi8/laAAAAAGLz+VoAAAAAAAAAAAHAAAAAAAAAAAAARIAAAACawR2MAAA' +
    'AAAAAAAAAQAAAEIAAAAAAkp1ymwAMAAAAAAAAAGLz+VoAQAAAYvP5WgBAAAAAAAAAAcAAP////8AAAABIAAAAAgAAAAADAAA' +
    'AAAAAAAAAAAAAAAAAgAAADv/////Ar3QxJkAEAAAAAAAAAGLz+VoAAAAAYvP5WgAAAAAAAAAAAgAAAAAAAAAAAABEgAAAAJr' +
    'BHYyAAAAAAAAAAADAAAAQgAAAAAC3ObCLgAwAAAAAAAAAYvP5WgBAAABi8/laAEAAAAAAAAACAAA/////wAAAAEgAAAACAAA' +
    'AAEMAAAAAAAAAA==',
} as const

const bytes = (name: keyof typeof BY_JAVA) => [Buffer.from(BY_JAVA[name], 'base64')]
const value = 'a price, a price, a price'
const ROWS: readonly Row[] = [
  {
    ...{ offset: 100n, timeMs: 1_700_000_000_000, key: 'WETH/USDC', value },
    headers: [['trace', '1'] as const, ['trace', '2'] as const, ['none', ''] as const],
  },
  { offset: 101n, timeMs: 1_700_000_000_005, key: 'WETH/USDC', value: undefined, headers: [] },
  { offset: 102n, timeMs: 1_699_999_999_000, key: undefined, value, headers: [] },
]

describe("Java's record batches are read:", () => {
  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('compression %s', (name) => {
    expect(decode(bytes(name), 100n)).toMatchObject({ rows: ROWS, next: 103n, skipped: [] })
  })

  test('with the time at which they were appended', () => {
    const rows = ROWS.map((row) => ({ ...row, timeMs: 1_700_000_009_000 }))
    expect(decode(bytes('appendTime'), 100n)).toMatchObject({ rows, next: 103n, skipped: [] })
  })

  test('from any offset of a compacted log', () => {
    const left = [11, 13, 20]
    for (let position = 10; position < 25; position++)
      expect(decode(bytes('compacted'), BigInt(position))).toMatchObject({
        offsets: left.filter((offset) => offset >= position),
        next: 25n,
        skipped: [],
      })
  })

  test('between the markers of transactions', () => {
    const aborted = [{ producerId: 7n, firstOffset: 0n }]
    expect(decode(bytes('transactions'), 0n, aborted)).toMatchObject({ offsets: [2], next: 4n, skipped: [] })
  })

  test('but for those of format 1, which are told', () => {
    const reason = 'message format 1, 2 is expected'
    expect(decode(bytes('version1'), 100n)).toMatchObject({ next: 101n, skipped: [{ from: 100n, to: 100n, reason }] })
  })
})
