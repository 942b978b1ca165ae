import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { Headers } from '../../src/broker/port.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { T0 } from './record-builders.ts'

export function warmRecord(fields: Partial<WarmRequest>, headers: Headers = []): ReplayRecord {
  const request: WarmRequest = {
    v: 1,
    requestId: 'request-1',
    chain: 'ethereum',
    pairs: ['WETH/USDC'],
    origin: 'correlation',
    priority: 'high',
    issuedAtMs: T0,
    ...fields,
  }
  return {
    topic: 'warm-requests',
    partition: 0,
    offset: 0n,
    timestampMs: T0,
    key: Buffer.from(request.chain),
    value: Buffer.from(JSON.stringify(request)),
    headers,
  }
}
