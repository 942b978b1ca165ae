import { MAX_VERSION } from '../../cached-price.ts'
import { HEAD_BYTES } from '../value.ts'

/**
 * The code that runs inside Redis. A call has its keys, all of one chain, and one packed argument, because the cost for
 * the client grows with the number of arguments:
 *
 *     deadline f64 (ms of Redis's own clock) | for each key: ttl ms u32 | length u8 | value (../value.ts)
 *
 * - A value is written if its version is not below the stored one. An equal version is written, too: Kafka delivers at
 *   least once, and a chain's owner that writes an update again must find the same state, with its TTL renewed. Versions
 *   are compared as numbers, never as digits. A stored value that cannot be read is replaced.
 * - A call that Redis runs only after its caller has given up does nothing. Otherwise commands that were reported as failed
 *   would take effect after a stall of Redis.
 *
 * The names carry a version, so that nodes of two releases can load their libraries beside each other.
 */
export const LIBRARY_NAME = 'forewarm_v1'
export const DEADLINE_BYTES = 8
export const ROW_HEAD_BYTES = 5

export type Operation = 'write' | 'delete'

const LATE = `
local function late(packed)
  local now = redis.call('TIME')
  return now[1] * 1000 + now[2] / 1000 > struct.unpack('<d', packed)
end
local given_up = 'LATE the caller has given up on this call'
`

const BODIES: Readonly<Record<Operation, string>> = {
  write: `${LATE}
local function write(keys, args)
  local packed = args[1]
  if late(packed) then return redis.error_reply(given_up) end
  local at, written = 9, 0
  for i = 1, #keys do
    local ttl, length, _, version = struct.unpack('<I4BBd', packed, at)
    at = at + 5
    local stored = redis.pcall('GET', keys[i])
    local newest = type(stored) == 'string' and #stored >= ${HEAD_BYTES} and struct.unpack('<d', stored, 2) or 0
    if not (newest > version and newest <= ${MAX_VERSION}) then
      redis.call('SET', keys[i], string.sub(packed, at, at + length - 1), 'PX', ttl)
      written = written + 1
    end
    at = at + length
  end
  return written
end
`,
  delete: `${LATE}
local function delete(keys, args)
  if late(args[1]) then return redis.error_reply(given_up) end
  return redis.call('UNLINK', unpack(keys))
end
`,
}

export function functionName(operation: Operation): string {
  return `${LIBRARY_NAME}_${operation}`
}

/** For FUNCTION LOAD, in Redis 7 and newer. */
export function librarySource(): string {
  const functions = (['write', 'delete'] as const).map(
    (operation) => `do ${BODIES[operation]} redis.register_function('${functionName(operation)}', ${operation}) end`,
  )
  return `#!lua name=${LIBRARY_NAME}\n${functions.join('\n')}`
}

/** For SCRIPT LOAD, in a Redis without functions. */
export function scriptSource(operation: Operation): string {
  return `${BODIES[operation]} return ${operation}(KEYS, ARGV)`
}
