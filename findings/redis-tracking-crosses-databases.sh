#!/usr/bin/env bash
# Redis's client-side caching does not know databases: what happens in one empties the local caches of another.
#
# One would expect: a client that tracks its reads (CLIENT TRACKING) in database 0 is told of changes in database 0. In all
# other ways the databases of one server are apart: keys of the same name are different keys, and FLUSHDB empties one.
#
# What happens: the server keeps what was read by the key's name alone. A write of a key of the same name in database 1 is
# told to the reader of database 0, whose value did not change. FLUSHDB in database 1, even if that holds nothing, is told
# to every tracking client of the server as "everything" (a null message). SWAPDB, which does change what the reader has, is
# told to nobody.
#
# Why it matters for a stream consumer: another application that clears its own database makes all nodes throw away
# or read again what they hold, all at once. And after a SWAPDB they serve old prices, with nothing to say so.
#
# Seen on 2026-11-30 with Redis 7.0.15, Node 20.20.2 (24.21.0 is the same):
#
#   a write of that key in database 1: told price
#   FLUSHDB of database 1, which is empty: told everything
#   SWAPDB 0 1, the reader now gets another value: told nothing
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
npm install --loglevel=error --no-audit --no-fund --ignore-scripts ioredis@6.0.0 >/dev/null

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

cat >seen.cjs <<'JS'
const { Redis } = require('ioredis')
const open = (db) => new Redis({ port: Number(process.argv[2]), db, protocol: 2 })

async function main() {
  const [told, reader, writer] = [open(0), open(0), open(1)]
  let heard = []
  told.on('messageBuffer', (_, keys) => heard.push(keys === null ? 'everything' : String(keys)))
  const id = await told.client('ID')
  await told.subscribe('__redis__:invalidate')
  await reader.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id))
  await reader.set('price', 'of database 0')

  // The link answers a ping only after what it was told before.
  const after = async (what, change) => {
    await reader.get('price')
    await told.ping()
    heard = []
    await change()
    await told.ping()
    console.log(`${what}: told ${heard.join(', ') || 'nothing'}`)
  }
  await after('a write of that key in database 1', () => writer.set('price', 'of database 1'))
  if ((await reader.get('price')) !== 'of database 0') throw new Error('the databases are not apart')
  await writer.flushdb()
  await after('FLUSHDB of database 1, which is empty', () => writer.flushdb())
  await after('SWAPDB 0 1, the reader now gets another value', () => writer.call('SWAPDB', '0', '1'))
  if ((await reader.get('price')) === 'of database 0') throw new Error('SWAPDB changed nothing')
  for (const client of [told, reader, writer]) client.disconnect()
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
JS
node seen.cjs "$port" | tee seen.txt

echo
node -e 'console.log(`ioredis ${require("ioredis/package.json").version}, Node ${process.versions.node}`)'
"$redis" --version | cut -d' ' -f1-3
diff - seen.txt <<'SEEN' || { echo 'It is no longer so.' >&2 && exit 1; }
a write of that key in database 1: told price
FLUSHDB of database 1, which is empty: told everything
SWAPDB 0 1, the reader now gets another value: told nothing
SEEN
echo 'It is still so.'
