#!/usr/bin/env bash
# A local cache that Redis keeps fresh (CLIENT TRACKING) goes stale with the upgrade from ioredis 5 to 6.
#
# One would expect: what ran on ioredis 5 runs on 6, or fails. One connection subscribes to `__redis__:invalidate`. A
# second one reads, with CLIENT TRACKING ON REDIRECT to the first. The first hears of every key that was read and
# changes.
#
# What happens: it hears nothing. ioredis 6 speaks RESP3 unless told otherwise. Redis sends a RESP3 connection no
# message of that channel, but a push named `invalidate`. ioredis 6 knows the pushes of pub/sub and drops the others
# without an event. SUBSCRIBE still answers 1 and CLIENT TRACKING still answers OK. `protocol: 2` brings the messages
# back.
#
# Why it matters for a stream consumer: it keeps serving old prices from memory until they expire, and every answer
# says that they are being watched.
#
# Seen on 2026-11-30 with ioredis 6.0.0 and 5.11.1, Redis 7.0.15, Node 20.20.2 (24.21.0 is the same):
#
#   ioredis 5.11.1 {}
#     SUBSCRIBE 1, TRACKING OK, heard: __redis__:invalidate price
#   ioredis 6.0.0 {}
#     SUBSCRIBE 1, TRACKING OK, heard: nothing
#   ioredis 6.0.0 {"protocol":2}
#     SUBSCRIBE 1, TRACKING OK, heard: __redis__:invalidate price
#
# Needs Node 20, npm, Maven. Exits with 1 if it is no longer so.
set -euo pipefail

work=$(mktemp -d)
finish() {
  jobs -p | xargs kill -9 || true
  wait
  rm -rf "$work"
} 2>/dev/null
trap finish EXIT
cd "$work"

echo '{ "private": true }' >package.json
npm install --loglevel=error --no-audit --no-fund --ignore-scripts \
  ioredis-5@npm:ioredis@5.11.1 ioredis-6@npm:ioredis@6.0.0 >/dev/null

# A jar that holds static binaries of Redis.
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
mvn -q -B "$plugin:unpack" -Dartifact=org.signal:embedded-redis:0.9.1 -DoutputDirectory=. >mvn.log 2>&1 ||
  { cat mvn.log >&2 && exit 1; }
case "$(uname -sm)" in
  'Linux x86_64') kind=linux-amd64 ;;
  'Linux aarch64') kind=linux-arm64 ;;
  'Darwin x86_64') kind=darwin-amd64 ;;
  'Darwin arm64') kind=darwin-arm64 ;;
  *) echo "no Redis for $(uname -sm)" >&2 && exit 1 ;;
esac
redis=$work/redis-server-7.0.15-$kind
chmod +x "$redis"
port=$(node -e '
  const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
    console.log(server.address().port)
    server.close()
  })')
"$redis" --bind 127.0.0.1 --port "$port" --save '' >redis.log &

echo "$("$redis" --version | cut -d ' ' -f 1,3), Node $(node --version)"
node - "$port" <<'JS'
const port = Number(process.argv[2])

/** Resolves to what is heard of a key that one connection has read and another one changes. */
async function listen(name, options) {
  const { Redis } = require(name)
  const [ear, reader, writer] = [1, 2, 3].map(() => new Redis({ host: '127.0.0.1', port, ...options }))
  for (const each of [ear, reader, writer]) each.on('error', () => {})
  const heard = []
  ear.on('message', (channel, message) => heard.push(`${channel} ${message}`))

  const id = await ear.client('ID')
  const subscribed = await ear.subscribe('__redis__:invalidate')
  const tracking = await reader.client('TRACKING', 'ON', 'REDIRECT', id)
  await reader.get('price')
  await writer.set('price', '1')
  // Redis answers in order, so what it had to say of the key comes before this.
  await ear.ping()

  const label = `ioredis ${require(`${name}/package.json`).version} ${JSON.stringify(options)}`
  console.log(label)
  console.log(`  SUBSCRIBE ${subscribed}, TRACKING ${tracking}, heard: ${heard.join() || 'nothing'}`)
  for (const each of [ear, reader, writer]) each.disconnect()
  return heard.join()
}

async function main() {
  const told = '__redis__:invalidate price'
  const five = await listen('ioredis-5', {})
  const six = await listen('ioredis-6', {})
  const sixOnTwo = await listen('ioredis-6', { protocol: 2 })
  if (five === told && six === '' && sixOnTwo === told) return
  console.error('no longer as described')
  process.exitCode = 1
}

setTimeout(() => process.exit(1), 60_000).unref()
main()
JS
