import { MAX_AHEAD_MS } from '../../../../schemas/event-time.ts'
import { MAX_VERSION, VERSIONS_PER_MS } from '../../cached-price.ts'
import { MIXED, PARTITION_BITS } from '../../sources/codes.ts'
import { HEAD_BYTES, JSON_BIT, L2_SCHEMA, SOURCE_BYTES, SOURCE_SCHEMA, TOMBSTONE } from '../value.ts'

/**
 * The code that runs inside Redis. A call has its keys, all of one chain, and one packed argument, because the cost for
 * the client grows with the number of arguments:
 *
 *     write   deadline f64 (ms of Redis's own clock) | caller's time f64 | for each key: ttl ms u48 | length u32 | value
 *     delete  deadline f64                           | caller's time f64 | for each key: ttl ms u48 | version f64 | up to f64
 *     stamp   deadline f64 | caller's time f64 | for each source: known u8 | moment f64 | age f64 | length u16 | name
 *
 * - A value (../value.ts) is written if its version is not below the stored one. An equal version is written, too: Kafka
 *   delivers at least once, and a chain's owner that writes an update again must find the same state, with its TTL renewed.
 *   Versions are compared as numbers, never as digits. A stored value that cannot be read is replaced, but if the user may
 *   not GET, nothing is written: nothing would be compared.
 * - A deletion leaves a tombstone, so that no other node writes back what it still has. The tombstone has the version of the
 *   deletion, or that of the stored value if that is higher, and refuses versions up to its own. What is stored with a
 *   version above `up to` stays.
 * - A stored version whose time is further ahead than an update may be is as good as none. It came from a wrong clock, and
 *   would keep out every true update until its TTL. Redis's clock and the caller's must agree on that: if one of them is
 *   slow, it must not let older values win.
 * - If the stored value and the one that is written come from different sources, the pair is mixed. What is stored from then
 *   on has the code of their topic as a whole, or MIXED if there are two topics (../../sources/codes.ts), until the key expires
 *   or the pair is deleted.
 * - A value without a source leaves that of a stored one with the same version, which is the same value. So it is with JSON:
 *   a node whose L1 has numbers alone writes back a price without it.
 * - The answer is the number of keys that were written, or deleted. If Redis has something newer for a key than the caller
 *   thinks, the answer is a list: that number, then the place of each such key and the lowest version still accepted. If
 *   what is stored names more sources than the caller did, the place and -1 - the code that was stored before stand there.
 * - A stamp goes into the hash of the first key: the moment as of which all values of a source are in Redis, in ms of Redis's
 *   clock. It is reckoned twice, by the caller and from the age, and the earlier moment counts: if Redis's clock has jumped since
 *   the caller read it, the stamp is too old. If the clock is set back after a stamp, that stamp may look newer than it
 *   is until the next one. A source that is known and has no stamp any more gets none, because Redis has lost data. The
 *   answer is the number of those, and whether the second key exists: somebody reads the stamps.
 * - A name that ends in `/*` is no stamp: its topic is one source, or all topics are. The third key has all such names, as JSON
 *   with Redis's time of the last telling. They follow in the answer, each with its age in ms.
 * - A call that Redis runs only after its caller has given up does nothing. Otherwise commands that were reported as failed
 *   would take effect after a stall of Redis.
 *
 * The names carry a version, so that nodes of two releases can load their libraries beside each other.
 */
export const LIBRARY_NAME = 'forewarm_v7'
/** The deadline and the caller's time. */
export const HEAD_BYTES_OF_CALL = 16
/** The longest that fits is 8,900 years. */
export const TTL_BYTES = 6
/** The TTL and the length. */
export const ROW_HEAD_BYTES = TTL_BYTES + 4
export const DELETION_BYTES = TTL_BYTES + 16

export const STAMP_HEAD_BYTES = 19

export const OPERATIONS = ['write', 'delete', 'stamp'] as const
export type Operation = (typeof OPERATIONS)[number]

/** The version of a stored value, 0 if there is none that counts; whether it is a tombstone; whether anything is stored; the value. */
const STORED = `
local function stored_at(key, newest, version)
  local stored = redis.pcall('GET', key)
  if type(stored) == 'table' and stored.err and not string.find(stored.err, 'WRONGTYPE', 1, true) then error(stored.err) end
  if type(stored) ~= 'string' then return 0, false, false end
  local found = #stored >= ${HEAD_BYTES} and struct.unpack('<d', stored, 2) or 0
  if not (found <= ${MAX_VERSION}) or found > newest and version <= newest then return 0, false, true end
  return found, #stored == ${HEAD_BYTES} and string.byte(stored, ${HEAD_BYTES}) == ${TOMBSTONE}, true, stored
end
local function answer(count, newer)
  if #newer == 0 then return count end
  return {count, unpack(newer)}
end
`

/** The highest version that an update may have now; nil if the caller has given up. */
const NEWEST = `
local function newest_now(packed)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + time[2] / 1000
  local deadline, callers = struct.unpack('<dd', packed)
  if now > deadline then return nil end
  return (math.max(now, callers) + ${MAX_AHEAD_MS + 1}) * ${VERSIONS_PER_MS}
end
local given_up = 'LATE the caller has given up on this call'
`

const BODIES: Readonly<Record<Operation, string>> = {
  write: `${NEWEST}${STORED}
local sourced, mixed, topic_unit = ${SOURCE_SCHEMA}, ${MIXED}, ${2 ** PARTITION_BITS}
local function source_of(value)
  return struct.unpack('<I4', value, ${HEAD_BYTES + 1})
end
local function with_source(value, code)
  return string.sub(value, 1, ${HEAD_BYTES}) .. struct.pack('<I4', code) .. string.sub(value, ${HEAD_BYTES + SOURCE_BYTES + 1})
end
local function has_json(value)
  local presence = string.byte(value, ${HEAD_BYTES}) or 0
  return presence >= ${JSON_BIT} and presence < ${2 * JSON_BIT}
end
local function joint(one, other)
  if one == other then return one end
  local topic = math.floor(one / topic_unit)
  if one == mixed or other == mixed or topic ~= math.floor(other / topic_unit) then return mixed end
  return topic * topic_unit
end
local function write(keys, args)
  local packed = args[1]
  local newest = newest_now(packed)
  if not newest then return redis.error_reply(given_up) end
  local at, written, newer = ${HEAD_BYTES_OF_CALL + 1}, 0, {}
  for i = 1, #keys do
    local ttl, length, schema, version = struct.unpack('<I${TTL_BYTES}I4Bd', packed, at)
    at = at + ${ROW_HEAD_BYTES}
    local stored, deleted, _, bytes = stored_at(keys[i], newest, version)
    local lowest = deleted and stored + 1 or stored
    local value = string.sub(packed, at, at + length - 1)
    if schema == sourced and bytes and string.byte(bytes) == sourced and #bytes >= ${HEAD_BYTES + SOURCE_BYTES} then
      local before, callers = source_of(bytes), source_of(value)
      local both = joint(before, callers)
      if both ~= callers then
        value = with_source(value, both)
        newer[#newer + 1] = i
        newer[#newer + 1] = -1 - before
      end
      if version < lowest and both ~= before then redis.call('SET', keys[i], with_source(bytes, both), 'KEEPTTL') end
    end
    if version < lowest then
      newer[#newer + 1] = i
      newer[#newer + 1] = lowest
    else
      local is_same = bytes and version == stored
      if is_same and schema ~= sourced and string.byte(bytes) == sourced and has_json(bytes) == has_json(value) then value = bytes end
      if is_same and has_json(bytes) and not has_json(value) then value = bytes end
      redis.call('SET', keys[i], value, 'PX', ttl)
      written = written + 1
    end
    at = at + length
  end
  return answer(written, newer)
end
`,
  delete: `${NEWEST}${STORED}
local function delete(keys, args)
  local packed = args[1]
  local newest = newest_now(packed)
  if not newest then return redis.error_reply(given_up) end
  local at, removed, newer = ${HEAD_BYTES_OF_CALL + 1}, 0, {}
  for i = 1, #keys do
    local ttl, version, up_to = struct.unpack('<I${TTL_BYTES}dd', packed, at)
    at = at + ${DELETION_BYTES}
    local stored, deleted, is_there = stored_at(keys[i], newest, version)
    local stays = stored > up_to
    if stored > version then
      version = stored
      newer[#newer + 1] = i
      newer[#newer + 1] = (deleted or not stays) and stored + 1 or stored
    end
    if not stays then
      if is_there and not deleted then removed = removed + 1 end
      local time = math.floor(version / ${VERSIONS_PER_MS})
      redis.call('SET', keys[i], struct.pack('<BddB', ${L2_SCHEMA}, version, time, ${TOMBSTONE}), 'PX', ttl)
    end
  end
  return answer(removed, newer)
end
`,
  stamp: `${NEWEST}
local function stamp(keys, args)
  local packed = args[1]
  if not newest_now(packed) then return redis.error_reply(given_up) end
  local time = redis.call('TIME')
  local now, at, lost = time[1] * 1000 + time[2] / 1000, ${HEAD_BYTES_OF_CALL + 1}, 0
  local json, is_told = redis.call('GET', keys[3]), false
  local joined = json and cjson.decode(json) or {}
  while at <= #packed do
    local known, moment, age, length = struct.unpack('<BddI2', packed, at)
    at = at + ${STAMP_HEAD_BYTES}
    local name = string.sub(packed, at, at + length - 1)
    at = at + length
    if string.sub(name, -2) == '/*' then
      joined[name], is_told = math.floor(now), true
    elseif known == 1 and redis.call('HEXISTS', keys[1], name) == 0 then
      lost = lost + 1
    else
      local earlier = math.floor(math.min(moment, now - age) * 100) / 100
      redis.call('HSET', keys[1], name, string.format('%.2f', earlier))
    end
  end
  if is_told then redis.call('SET', keys[3], cjson.encode(joined)) end
  local reply = {lost, redis.call('EXISTS', keys[2])}
  for name, told in pairs(joined) do
    reply[#reply + 1] = name
    reply[#reply + 1] = math.floor(now - told)
  end
  return reply
end
`,
}

export function functionName(operation: Operation): string {
  return `${LIBRARY_NAME}_${operation}`
}

/** For FUNCTION LOAD, in Redis 7 and newer. */
export function librarySource(): string {
  const functions = OPERATIONS.map(
    (operation) => `do ${BODIES[operation]} redis.register_function('${functionName(operation)}', ${operation}) end`,
  )
  return `#!lua name=${LIBRARY_NAME}\n${functions.join('\n')}`
}

/** For SCRIPT LOAD, in a Redis without functions. */
export function scriptSource(operation: Operation): string {
  return `${BODIES[operation]} return ${operation}(KEYS, ARGV)`
}

/** Reads the answer to one call. */
export function versionedReply(reply: unknown): {
  readonly count: number
  readonly newer: readonly { readonly place: number; readonly floor: number }[]
  /** The places of mixed pairs, and the codes that they had. */
  readonly mixed: readonly { readonly place: number; readonly code: number }[]
} {
  if (!Array.isArray(reply)) return { count: Number(reply ?? 0), newer: [], mixed: [] }
  const [count, ...pairs] = reply.map(Number)
  const told = pairs.flatMap((floor, at) => (at % 2 === 0 ? [] : [{ place: (pairs[at - 1] ?? 0) - 1, floor }]))
  return {
    count: count ?? 0,
    newer: told.filter(({ floor }) => floor >= 0),
    mixed: told.filter(({ floor }) => floor < 0).map(({ place, floor }) => ({ place, code: -1 - floor })),
  }
}
